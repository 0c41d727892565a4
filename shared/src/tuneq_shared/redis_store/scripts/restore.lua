-- ARGV: id, stage, fixed, doc, digest, group, name, rank, at, number, token, events...
-- Answers 1 if the item is back as it had ended, 0 if it is here, -1 if its key or name is another's.
local id, group, name, n = ARGV[2], ARGV[7], ARGV[8], now()
local k = P .. 'item:' .. id
if redis.call('EXISTS', k) == 1 then return 0 end
if group ~= '' then
  local key = string.sub(id, 5)
  local archived = redis.call('HGET', P .. 'archived', key)
  if archived and archived ~= kept_digest(ARGV[6]) then return -1 end
  local named = redis.call('HGET', P .. 'names:' .. group, name)
  if named and named ~= key then return -1 end
  if archived then drop_archived(key, group, ARGV[3], ARGV[4], ARGV[5]) end
  redis.call('HDEL', P .. 'archived', key)
  redis.call('ZREM', P .. 'archived:' .. group, key)
end
redis.call('HSET', k, 'stage', ARGV[3], 'fixed', ARGV[4], 'doc', ARGV[5], 'digest', ARGV[6],
  'group', group, 'rank', ARGV[9], 'at', ARGV[10], 'number', ARGV[11], 'token', ARGV[12])
if group ~= '' then
  redis.call('HSET', k, 'name', name)
  enlist(id, ARGV[3], ARGV[4], group, name, ARGV[11], n)
  redis.call('DEL', P .. 'events:' .. id)
  for i = 13, #ARGV do redis.call('RPUSH', P .. 'events:' .. id, ARGV[i]) end
end
redis.call('ZADD', ended_key(id), n, id)
return 1
