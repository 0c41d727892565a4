-- ARGV: id, what, choice
local k = P .. 'item:' .. ARGV[2]
local stage = redis.call('HGET', k, 'stage')
if not stage or is_terminal(ARGV[2], stage) then return 0 end
-- What stands still for another reason later on must not find an older release.
if ARGV[3] == 'release' and stage ~= 'held' and stage ~= 'stopped' then return 0 end
-- A release must not undo a cancel.
if redis.call('HGET', k, 'asked') ~= 'cancel' then
  redis.call('HSET', k, 'asked', ARGV[3])
  if ARGV[3] == 'cancel' then redis.call('HDEL', k, 'choice')
  elseif ARGV[4] ~= '' then redis.call('HSET', k, 'choice', ARGV[4]) end
end
wake(ARGV[2], now())
return 1
