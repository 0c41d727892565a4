-- ARGV: id, what
local k = P .. 'item:' .. ARGV[2]
local stage = redis.call('HGET', k, 'stage')
if not stage or is_terminal(ARGV[2], stage) then return 0 end
-- A release must not undo a cancel.
if redis.call('HGET', k, 'asked') ~= 'cancel' then redis.call('HSET', k, 'asked', ARGV[3]) end
wake(ARGV[2], now())
return 1
