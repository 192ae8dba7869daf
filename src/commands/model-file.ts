import { fetchModel, isUri } from '../models/resolve.ts';
import { fetchDisplay } from './fetch-display.ts';
import { resolveShipped } from './paths.ts';

/** The file that a config means by its model: a path, or a URI that is fetched when it is not in the cache. */
export const modelFile = async (model: string): Promise<string> =>
  isUri(model) ? await fetchModel(model, fetchDisplay('stderr')) : resolveShipped(model);
