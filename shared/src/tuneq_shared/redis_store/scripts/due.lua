-- ARGV: queue, limit, window. A soft mark: nothing is taken.
local key, n = P .. 'due:' .. ARGV[2], now()
wake_some(n)
local ids = redis.call('ZRANGEBYSCORE', key, '-inf', n, 'LIMIT', 0, ARGV[3])
local answer = {}
for _, id in ipairs(ids) do
  redis.call('ZADD', key, n + ARGV[4], id)
  table.insert(answer, {id, redis.call('HGET', P .. 'item:' .. id, 'stage')})
end
return answer
