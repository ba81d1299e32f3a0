import { defineConfig } from 'vitest/config';

/** Services are shared by the files of a project, so those files run one after the other. */
const onServices = { fileParallelism: false, testTimeout: 180_000, hookTimeout: 300_000 };

/** CI sets variables that turn colours on, for the programs that tests start too; tests read plain text. */
const plain = { NO_COLOR: '1' };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          env: plain,
          include: ['test/unit/**/*.test.ts', 'test/issues/**/*.unit.test.ts'],
          testTimeout: 30_000,
        },
      },
      { test: { name: 'replay', env: plain, include: ['test/replay/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'integration',
          env: plain,
          include: ['test/integration/**/*.test.ts', 'test/issues/**/*.integration.test.ts'],
          ...onServices,
        },
      },
      {
        test: {
          name: 'e2e',
          env: plain,
          include: ['test/e2e/**/*.test.ts'],
          ...onServices,
          testTimeout: 900_000,
        },
      },
    ],
  },
});
