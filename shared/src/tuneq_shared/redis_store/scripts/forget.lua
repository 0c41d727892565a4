-- ARGV: id, stage and doc as they were read, dry, the upload's account, its files as
-- JSON, the run that it is for alone, the evaluation's shards
-- Answers whether the item may go: it is as it was read, has ended, and nothing unfinished needs it.
-- Then, unless dry, it has gone.
local id = ARGV[2]
local k, members = P .. 'item:' .. id, P .. 'members:' .. id
local v = redis.call('HMGET', k, 'stage', 'doc', 'group', 'number', 'digest', 'fixed')
if v[1] ~= ARGV[3] or v[2] ~= ARGV[4] or not is_terminal(id, v[1]) then return 0 end

local function goes_on(other)
  local stage = redis.call('HGET', P .. 'item:' .. other, 'stage')
  return stage and not is_terminal(other, stage)
end

local shards = {}
for i = 0, ARGV[9] - 1 do shards[i + 1] = 'shard:' .. string.sub(id, 12) .. '/' .. i end
for _, shard in ipairs(shards) do
  if goes_on(shard) then return 0 end
end
-- One that died before it could leave keeps nothing.
for _, member in ipairs(redis.call('SMEMBERS', members)) do
  if goes_on(member) then return 0 end
end
local files = cjson.decode(ARGV[7])
for _, file in ipairs(files) do
  if redis.call('EXISTS', P .. 'named:' .. file) == 1 then return 0 end
end
-- Where a purchase got no answer, a file of its own alone tells its job, also to a later retry.
if ARGV[8] ~= '' then
  local doc, run = redis.call('HGET', P .. 'item:' .. ARGV[8], 'doc'), string.sub(ARGV[8], 5)
  if doc then
    if goes_on(ARGV[8]) or is_unanswered(doc) then return 0 end
  elseif redis.call('HEXISTS', P .. 'archived', run) == 0
    or redis.call('SISMEMBER', P .. 'unanswered', run) == 1 then return 0 end
end
if ARGV[5] == '1' then return 1 end

if v[3] and v[3] ~= '' then
  local key, group = string.sub(id, 5), v[3]
  count_stage(k, v[1], nil)
  redis.call('HSET', P .. 'archived', key, kept_digest(v[5]))
  keep_archived(key, group, v[1], v[6], v[2])
  redis.call('ZREM', P .. 'runs', key)
  redis.call('ZREM', P .. 'group:' .. group, key)
  redis.call('ZADD', P .. 'archived:' .. group, v[4], key)
  redis.call('DEL', P .. 'events:' .. id)
  for _, own in ipairs(own_files(v[6])) do redis.call('SREM', P .. 'named:' .. own, key) end
end
for _, file in ipairs(files) do
  redis.call('SADD', P .. 'unneeded', ARGV[6])
  redis.call('SADD', P .. 'unneeded:' .. ARGV[6], file)
end
for _, shard in ipairs(shards) do redis.call('DEL', P .. 'item:' .. shard) end
redis.call('DEL', k, members)
redis.call('ZREM', ended_key(id), id)
return 1
