import { deception } from './deception.ts';
import type { Detector } from './detector.ts';
import { harmfulCapability } from './harmful-capability.ts';
import { hostility } from './hostility.ts';
import { integrity } from './integrity.ts';
import { degenerateLoop } from './degenerate-loop.ts';
import { obfuscation } from './obfuscation.ts';
import { oversightEvasion } from './oversight-evasion.ts';
import { powerSeeking } from './power-seeking.ts';
import { programEscape } from './program-escape.ts';
import { programHardCoding } from './program-hard-coding.ts';
import { programTampering } from './program-tampering.ts';
import { programExit } from './program-exit.ts';
import { rewardHacking } from './reward-hacking.ts';
import { sandboxEscape } from './sandbox-escape.ts';
import { selfPreservation } from './self-preservation.ts';
import { situationalAwareness } from './situational-awareness.ts';
import { tampering } from './tampering.ts';

/** Every detector of the monitor, in the order of their tiers. */
export const detectors: readonly Detector[] = [
  integrity,
  degenerateLoop,
  hostility,
  rewardHacking,
  tampering,
  deception,
  sandboxEscape,
  selfPreservation,
  oversightEvasion,
  powerSeeking,
  situationalAwareness,
  obfuscation,
  harmfulCapability,
  programExit,
  programTampering,
  programEscape,
  programHardCoding,
];
