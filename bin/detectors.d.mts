export function detectorIndex(root: string): string;
export function writeDetectorIndex(root: string): void;
