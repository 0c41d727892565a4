-- ARGV: id, stage, fixed, doc, digest, subscriber, stages to revive from as ' a b ', creates
local id, stage, n = ARGV[2], ARGV[3], now()
local k = P .. 'item:' .. id
local present, answer = redis.call('HGET', k, 'stage'), 'exists'
-- A run that has ended shares nothing: this is a worker that has lost it.
local mine = redis.call('HGET', P .. 'item:' .. ARGV[7], 'stage')
if mine and is_terminal(ARGV[7], mine) then return 'stale' end
if not present then
  if ARGV[9] ~= '1' then return 'absent' end
  begin(id, stage, ARGV[4], ARGV[5], ARGV[6], '', '', 1, n)
  redis.call('HSET', k, 'by', ARGV[7])
elseif is_terminal(id, present) then
  if not string.find(ARGV[8], ' ' .. present .. ' ', 1, true) then
    redis.call('SADD', P .. 'members:' .. id, ARGV[7])
    return 'exists'
  end
  if not allowed(REVIVE, id, present, stage) then return redis.error_reply('ILLEGAL revival') end
  begin_again(id, stage, redis.call('HGET', k, 'doc'), n)
  answer = 'revived'
elseif redis.call('HGET', k, 'asked') == 'cancel' then
  redis.call('HDEL', k, 'asked')
  wake(id, n)
end
redis.call('SADD', P .. 'members:' .. id, ARGV[7])
-- Whoever created it hears so again, should it have died before it could note the answer.
if answer == 'exists' and redis.call('HGET', k, 'by') == ARGV[7] then return 'created' end
return answer
