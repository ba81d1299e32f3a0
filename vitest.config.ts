import { defineConfig } from 'vitest/config';

/** Services are shared by the files of a project, so those files run one after the other. */
const onServices = { fileParallelism: false, testTimeout: 180_000, hookTimeout: 300_000 };

const setupFiles = ['test/plain-text.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['test/unit/**/*.test.ts', 'test/issues/**/*.unit.test.ts'],
          testTimeout: 30_000,
        },
      },
      { test: { name: 'replay', setupFiles, include: ['test/replay/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'integration',
          setupFiles,
          include: ['test/integration/**/*.test.ts', 'test/issues/**/*.integration.test.ts'],
          ...onServices,
        },
      },
      {
        test: {
          name: 'e2e',
          setupFiles,
          include: ['test/e2e/**/*.test.ts'],
          ...onServices,
          testTimeout: 900_000,
        },
      },
    ],
  },
});
