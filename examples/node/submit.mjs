// Submits requests to tuneq: one JSON object a line, from a file or from standard input.
//
//   npm install
//   node submit.mjs requests.jsonl
//
// TUNEQ_REDIS_URL and TUNEQ_KEY_PREFIX say where to, as they do for tuneq itself.
// A line that Redis took is safe there: to be on the safe side of a crash in the middle, submit
// the same file again. The same request is the same run, so nothing is bought twice.

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import Redis from "ioredis";

const redis = new Redis(process.env.TUNEQ_REDIS_URL ?? "redis://127.0.0.1:6379/0", {
  maxRetriesPerRequest: 8, // of the connection; some seconds
});
redis.on("error", (error) => console.error(`Redis: ${error.message || error.code}`));
const stream = `${process.env.TUNEQ_KEY_PREFIX ?? "tuneq"}:requests`;
const file = process.argv[2];
const lines = createInterface({ input: file ? createReadStream(file) : process.stdin });

async function send(requests) {
  const pipeline = redis.pipeline();
  for (const request of requests) pipeline.xadd(stream, "*", "request", request);
  const answers = await pipeline.exec();
  const failed = answers.find(([error]) => error);
  if (failed) throw failed[0];
}

let batch = [];
let sent = 0;
try {
  for await (const line of lines) {
    if (!line.trim()) continue;
    batch.push(line);
    if (batch.length === 100) {
      await send(batch);
      sent += batch.length;
      batch = [];
    }
  }
  await send(batch);
  sent += batch.length;
  console.log(`${sent} requests sent`);
} catch (error) {
  console.error(`sent ${sent} requests, then: ${error.message}`);
  process.exitCode = 1;
} finally {
  redis.disconnect();
}
