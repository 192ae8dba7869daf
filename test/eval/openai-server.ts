/** A server in the shape of llama.cpp's: `/v1/chat/completions` and `/v1/completions`, answers whole, usage and timings behind. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: {
    readonly model: string;
    readonly messages?: readonly { readonly role: string; readonly content: string }[];
    readonly prompt?: string;
    readonly temperature: number;
    readonly max_tokens: number;
    readonly seed: number;
    readonly n: number;
    readonly stop?: readonly string[];
  };
}

export interface Said {
  readonly text: string;
  readonly thought?: string;
  readonly finish?: 'stop' | 'length';
  readonly tokens?: number;
}

/** How llama.cpp refuses. */
export class Refused extends Error {
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

export class OpenAiServer {
  readonly asked: Asked[] = [];
  /** Most requests that were under way at a time. */
  most = 0;
  #under = 0;
  #http: Server | null = null;
  answer: (asked: Asked) => Said | Promise<Said>;

  constructor(answer: (asked: Asked) => Said | Promise<Said>) {
    this.answer = answer;
  }
  /** The address up to and with the version. */
  async listen(): Promise<string> {
    const http = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Asked['body'];
        const asked = { path: request.url ?? '', key: request.headers.authorization, body };
        this.asked.push(asked);
        this.most = Math.max(this.most, ++this.#under);
        void this.#reply(asked).then(([status, reply]) => {
          this.#under--;
          response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(reply));
        });
      });
    });
    this.#http = http;
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`;
  }
  async #reply(asked: Asked): Promise<[number, object]> {
    try {
      const { text, thought, finish = 'stop', tokens = 1 } = await this.answer(asked);
      const chat = asked.path.endsWith('/chat/completions');
      const said = chat
        ? { message: { role: 'assistant', ...(thought === undefined ? {} : { reasoning_content: thought }), content: text } }
        : { text, logprobs: null };
      return [
        200,
        {
          choices: [{ finish_reason: finish, index: 0, ...said }],
          ...{
            created: 1764000000,
            model: asked.body.model,
            system_fingerprint: 'b7000-0',
            object: chat ? 'chat.completion' : 'text_completion',
          },
          ...{ usage: { completion_tokens: tokens, prompt_tokens: 9, total_tokens: 9 + tokens }, id: 'chatcmpl-1' },
          timings: { cache_n: 0, prompt_n: 9, prompt_ms: 1.5, predicted_n: tokens, predicted_ms: 2.5 },
        },
      ];
    } catch (error) {
      const { status = 500, type = 'server_error', message } = error as Refused;
      return [status, { error: { code: status, message, type } }];
    }
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#http?.closeAllConnections();
    await new Promise((resolve) => this.#http?.close(resolve));
  }
}
