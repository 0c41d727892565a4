-- ARGV: account, for how long, then of each active job: its id, its item or '', its model
local n, by_model, told = now(), {}, {}
for i = 4, #ARGV, 3 do
  local job, item, model = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  by_model[model] = by_model[model] or {}
  table.insert(by_model[model], {id = job, item = item})
  -- A request may name an alias: what the provider makes of it, the jobs of the pool tell.
  local pool = item ~= '' and redis.call('HGET', P .. 'item:' .. item, 'pool')
  if pool then
    told[pool] = told[pool] or {}
    told[pool][model] = true
  end
end

local function models_of(pool)
  local names = {}
  local own = string.sub(pool, #ARGV[2] + 2)
  for model in pairs(told[pool] or {}) do names[#names + 1] = model end
  if #names == 0 then
    names = cjson.decode(redis.call('HGET', slots(pool, 'seen'), 'models') or '[]')
  end
  for _, model in ipairs(names) do
    if model == own then return names end
  end
  names[#names + 1] = own
  return names
end

local function look(pool)
  local held, jobs, line = slots(pool, 'held'), slots(pool, 'jobs'), slots(pool, 'line')
  for _, id in ipairs(redis.call('SMEMBERS', held)) do
    if not is_in(pool, id) then
      redis.call('SREM', held, id)
      redis.call('HDEL', jobs, id)
    end
  end
  -- Where neither a mark nor metadata tell whose a job is, the slot does.
  local holder, noted = {}, redis.call('HGETALL', jobs)
  for i = 1, #noted, 2 do holder[noted[i + 1]] = noted[i] end
  local models, active, others, known = models_of(pool), 0, {}, {}
  for _, model in ipairs(models) do
    for _, job in ipairs(by_model[model] or {}) do
      local id = job.item ~= '' and job.item or holder[job.id] or ''
      active = active + 1
      -- Its job is there already, such as after a loss of Redis: it takes no further place.
      if redis.call('ZREM', line, id) == 1 and is_in(pool, id) then
        redis.call('SADD', held, id)
        wake(id, n)
      end
      -- A slot stands for one job, whoever has bought two.
      if not known[id] and redis.call('SISMEMBER', held, id) == 1 then
        known[id] = true
        redis.call('HSET', jobs, id, job.id)
      else others[#others + 1] = job.id end
    end
  end
  redis.call('HSET', slots(pool, 'seen'), 'others', #others, 'until', n + ARGV[3],
    'jobs', cjson.encode(others), 'models', cjson.encode(models))
  learn_room(pool, active)
  grant(pool, n)
end

for _, pool in ipairs(pools_of(ARGV[2])) do look(pool) end
return 1
