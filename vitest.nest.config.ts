import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The folder that another major version of Nest is installed in; `npm run check:nest` sets it. */
const folder = process.env.NEST_FOLDER
if (folder === undefined) throw new Error('Run this by `npm run check:nest 12`.')

const packages = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
  'reflect-metadata',
  'rxjs',
]

export default defineConfig({
  ...base,
  resolve: {
    alias: [
      {
        find: new RegExp(`^(${packages.join('|')})(/package\\.json)?$`),
        replacement: `${folder}/node_modules/$1$2`,
      },
    ],
  },
  test: { ...base.test, include: ['test/adapters/nestjs*.test.ts'], globalSetup: [] },
})
