/** Chooses and opens the compute device. */
import koffi from 'koffi';
import { EngineError, type EngineOptions } from '../ports.ts';
import { bindGgml, type Ggml } from './ffi.ts';
import { checkTensorLayout } from './layout.ts';
import { libraryFolder, type Build, type Pointer } from './libraries.ts';

/** `lanes` backends that compute side by side, each on one thread; a GPU has one lane. */
export interface Device {
  readonly g: Ggml;
  /** `ggml-cpu`, `ggml-cuda`, … */
  readonly name: string;
  readonly lanes: readonly Pointer[];
}

const CPU = 0;
const GPU = 1;

function pointers(g: Ggml, kind: number): Pointer[] {
  const count = Number(g.f.ggml_backend_dev_count());
  return Array.from({ length: count }, (_, i) => g.f.ggml_backend_dev_get(i)).filter((d) => Number(g.f.ggml_backend_dev_type(d)) === kind);
}

/**
 * Opens the device for a choice of `engine.backend`.
 *
 * On CPU each thread is a lane with its own graph: data is split over lanes instead of every operation over threads,
 * which needs no barriers and gives the same bits whatever else the machine does.
 * @throws EngineError `unsupported` when the wanted device is absent.
 */
export function openDevice(choice: EngineOptions['backend'], threads: number): Device {
  const order: readonly Build[] =
    choice === 'auto' ? (process.platform === 'darwin' ? ['metal', 'cpu'] : ['cuda', 'vulkan', 'cpu']) : [choice];
  for (const build of order) {
    if (choice === 'auto' && build !== 'cpu' && !deviceLikely(build)) continue;
    const g = bindGgml(build);
    checkTensorLayout(g);
    const found = pointers(g, build === 'cpu' ? CPU : GPU)[0];
    if (found === undefined) {
      if (choice !== 'auto')
        throw new EngineError('unsupported', `No ${build} device was found. Install its driver, or set engine.backend to "cpu".`);
      // The libraries of one process cannot be exchanged: a GPU build also computes on the CPU.
      const cpu = pointers(g, CPU)[0];
      if (cpu !== undefined) return { g, name: 'ggml-cpu', lanes: cpuLanes(g, cpu, threads) };
      continue;
    }
    if (build === 'cpu') return { g, name: 'ggml-cpu', lanes: cpuLanes(g, found, threads) };
    return { g, name: `ggml-${build}`, lanes: [open(g, found)] };
  }
  throw new EngineError('unsupported', 'No compute device was found. Run "npm ci" again on this machine.');
}

/** Whether it is worth loading a GPU build: its package is installed and the driver's device is there. */
function deviceLikely(build: Build): boolean {
  if (libraryFolder(build) === null) return false;
  if (build === 'metal') return true;
  const drivers: readonly string[] =
    build === 'cuda'
      ? process.platform === 'win32'
        ? ['nvcuda.dll']
        : ['libcuda.so.1']
      : process.platform === 'win32'
        ? ['vulkan-1.dll']
        : ['libvulkan.so.1'];
  return drivers.some((driver) => {
    try {
      koffi.load(driver);
      return true;
    } catch {
      return false;
    }
  });
}

function open(g: Ggml, device: Pointer): Pointer {
  const backend = g.f.ggml_backend_dev_init(device, null) as Pointer | null;
  if (backend === null) throw new EngineError('native', 'The compute device cannot be opened. Set engine.backend to "cpu".');
  return backend;
}

/** Gives the device back; every buffer on it must be freed before. */
export function closeDevice(device: Device): void {
  for (const lane of device.lanes) device.g.f.ggml_backend_free(lane);
}

/** A CPU backend beside the device, for work that GPU backends cannot do (dequantising any type). */
export function openCpu(g: Ggml, threads = 1): Pointer {
  const device = pointers(g, CPU)[0];
  if (device === undefined) throw new EngineError('native', 'The CPU backend of ggml is missing. Run "npm ci" again.');
  const backend = cpuLanes(g, device, 1)[0] as Pointer;
  if (threads > 1) setThreads(g, device, backend, threads);
  return backend;
}

const setter = koffi.proto('void kelvin_set_n_threads(void* backend, int threads)');

function setThreads(g: Ggml, device: Pointer, backend: Pointer, threads: number): void {
  const set = g.f.ggml_backend_reg_get_proc_address(g.f.ggml_backend_dev_backend_reg(device), 'ggml_backend_set_n_threads');
  koffi.call(set, setter, backend, threads);
}

function cpuLanes(g: Ggml, device: Pointer, threads: number): Pointer[] {
  return Array.from({ length: Math.max(1, Math.floor(threads)) }, () => {
    const backend = open(g, device);
    setThreads(g, device, backend, 1);
    return backend;
  });
}
