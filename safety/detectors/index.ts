// Written by bin/detectors.mjs before every build and test run: each file of this folder exports `detector`.
import { detector as classifier } from './classifier.ts';
import { detector as deception } from './deception.ts';
import { detector as degenerateLoop } from './degenerate-loop.ts';
import { detector as harmfulCapability } from './harmful-capability.ts';
import { detector as hostility } from './hostility.ts';
import { detector as integrity } from './integrity.ts';
import { detector as obfuscation } from './obfuscation.ts';
import { detector as oversightEvasion } from './oversight-evasion.ts';
import { detector as powerSeeking } from './power-seeking.ts';
import { detector as programAnswers } from './program-answers.ts';
import { detector as programDisguise } from './program-disguise.ts';
import { detector as programEscape } from './program-escape.ts';
import { detector as programExit } from './program-exit.ts';
import { detector as programHardCoding } from './program-hard-coding.ts';
import { detector as programLookups } from './program-lookups.ts';
import { detector as programNames } from './program-names.ts';
import { detector as programNoWork } from './program-no-work.ts';
import { detector as programTampering } from './program-tampering.ts';
import { detector as rewardHacking } from './reward-hacking.ts';
import { detector as sandboxEscape } from './sandbox-escape.ts';
import { detector as selfPreservation } from './self-preservation.ts';
import { detector as situationalAwareness } from './situational-awareness.ts';
import { detector as tampering } from './tampering.ts';
import type { Detector } from '../detector.ts';

export const detectors: readonly Detector[] = [
  classifier,
  deception,
  degenerateLoop,
  harmfulCapability,
  hostility,
  integrity,
  obfuscation,
  oversightEvasion,
  powerSeeking,
  programAnswers,
  programDisguise,
  programEscape,
  programExit,
  programHardCoding,
  programLookups,
  programNames,
  programNoWork,
  programTampering,
  rewardHacking,
  sandboxEscape,
  selfPreservation,
  situationalAwareness,
  tampering,
];
