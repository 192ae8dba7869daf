import { bootImages, compilePython } from './build.ts';
import { saveImages } from './image.ts';

/** Entry of the process that boots Python once and keeps its images (image.ts). No program of a model runs in it. */
saveImages(bootImages(compilePython()));
