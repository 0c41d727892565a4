// Prints what becomes of runs, one JSON object a line, and the refusals of requests.
//
//   node follow.mjs [GROUP] [--from 0]     --from 0: from the oldest event that is kept
//
// A follower that must not miss anything while it is off keeps the id of the last event it dealt
// with and gives it to --from.

import { parseArgs } from "node:util";
import Redis from "ioredis";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { from: { type: "string", default: "$" } },
});
const redis = new Redis(process.env.TUNEQ_REDIS_URL ?? "redis://127.0.0.1:6379/0");
redis.on("error", (error) => console.error(`Redis: ${error.message || error.code}`));
const prefix = process.env.TUNEQ_KEY_PREFIX ?? "tuneq";
const streams = [`${prefix}:events`, `${prefix}:requests:rejected`];

// "$" is the end as it is when Redis is asked, so it is looked up once, before the first question.
async function start(stream) {
  if (values.from !== "$") return values.from;
  const [last] = await redis.xrevrange(stream, "+", "-", "COUNT", 1);
  return last ? last[0] : "0";
}

const seen = await Promise.all(streams.map(start));
for (;;) {
  const answer = await redis.xread("COUNT", 1000, "BLOCK", 5000, "STREAMS", ...streams, ...seen);
  for (const [stream, entries] of answer ?? []) {
    for (const [id, fields] of entries) {
      const event = { id };
      for (let i = 0; i < fields.length; i += 2) event[fields[i]] = fields[i + 1];
      if (stream === streams[1]) console.log(JSON.stringify({ refused: event }));
      else if (!positionals[0] || event.group === positionals[0]) console.log(JSON.stringify(event));
      seen[streams.indexOf(stream)] = id;
    }
  }
}
