/**
 * Tests read plain text, of this process and of programs that it starts: CI sets `CI`, and some set `FORCE_COLOR`, either of which
 * turns colours on. With both variables set Node writes a warning into every program's stderr.
 */
delete process.env['FORCE_COLOR'];
process.env['NO_COLOR'] = '1';
