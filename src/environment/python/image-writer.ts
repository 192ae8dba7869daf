import { bootImages, compilePython } from './build.ts';
import { saveImages } from './image.ts';

/** Entry of the process that boots Python once and keeps its images (image.ts); the arguments are the modules. No program of a model runs in it. */
const modules = process.argv.slice(2);
saveImages(bootImages(compilePython(), modules), modules);
