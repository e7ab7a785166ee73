import { z } from 'zod';

/** Fields that several tools have, with the same words for the model. */

const pathCharactersMax = 4096;
const patternCharactersMax = 2000;

export const filepathInput = z
  .string()
  .min(1)
  .max(pathCharactersMax)
  .describe('path of the file, relative to the workspace');

export const directoryInput = z
  .string()
  .max(pathCharactersMax)
  .optional()
  .describe('where to look, relative to the workspace; without it, everywhere');

export const globInput = z
  .string()
  .max(patternCharactersMax)
  .optional()
  .describe('only files that match, for example *.md, src/**/*.{ts,tsx}, or !*.test.ts for all others');

export const patternInput = z.string().min(1).max(patternCharactersMax);
