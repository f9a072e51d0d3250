--[[
  Checks, and where all of them hold, writes: all or nothing. What is to be decided was decided before, in the program;
  here it is only made sure that what it was decided on is still so. Several transactions may come in one call; each is
  checked and written by itself, in order.

  KEYS    of one transaction after another, each key that it touches, once
  ARGV    of one transaction after another: the number of its keys, the number of arguments that follow, and these:
          the number of checks; each check: its name, its key's index, the number of its arguments, the arguments
          then the writes, until the end, in the same form

  Returns for each transaction
          {0, what each write returned …}   written
          {n, what was found}               the nth check failed; nothing was written

  Checks
    absent                    there is nothing under the key
    waiting                   nothing, or the claim of a registration under way: what is about it has to wait
    same text                 the text under the key is this; '' for none
    version n                 there is a record of this version; not what is left of one that was archived
    unsettled                 nothing, or a receipt that waits for a person: it may be decided again
    size n                    the hash has this many fields
    field name text           the field of the hash is this; '' for none
  Writes
    do command args …         the command, with the key before its arguments
    park counts-index account id receipt max
                              parks a receipt, once, and counts it; nothing if the account has its share parked
    unpark counts-index ready-index account
                              what is parked becomes ready
    tally due-index batch minus-state minus-amount plus-state plus-amount final
                              moves a transfer from one state's total to another's; notes the batch where something may follow
    trim-cases cases-index max skip
                              lets go of the oldest in an index of resolved cases
    publish channel message
]]
local at = 1
local keysBefore = 0
local function take()
  at = at + 1
  return ARGV[at - 1]
end
local function keyAt(index)
  return KEYS[keysBefore + tonumber(index)]
end

local checks = {}

checks['absent'] = function(key)
  local found = redis.call('GET', key)
  return not found, found
end

checks['waiting'] = function(key)
  local found = redis.call('GET', key)
  return not found or string.sub(found, 1, 3) == '0 ?', found
end

checks['same'] = function(key, text)
  local found = redis.call('GET', key) or ''
  return found == text, found
end

checks['version'] = function(key, version)
  local found = redis.call('GET', key) or ''
  return string.sub(found, 1, #version + 2) == version .. ' {', found
end

checks['unsettled'] = function(key)
  local found = redis.call('GET', key)
  return not found or string.sub(found, 1, 14) == 'awaits-person ', found
end

checks['size'] = function(key, size)
  local found = redis.call('HLEN', key)
  return found == tonumber(size), tostring(found)
end

checks['field'] = function(key, name, text)
  local found = redis.call('HGET', key, name) or ''
  return found == text, found
end

local writes = {}

writes['do'] = function(key, command, ...)
  return redis.call(command, key, ...)
end

writes['park'] = function(key, counts, account, id, receipt, max)
  counts = keyAt(counts)
  if redis.call('HEXISTS', key, id) == 1 then
    return 1
  end
  if tonumber(redis.call('HGET', counts, account) or '0') >= tonumber(max) then
    return 0
  end
  redis.call('HSET', key, id, receipt)
  redis.call('HINCRBY', counts, account, 1)
  return 1
end

writes['unpark'] = function(key, counts, ready, account)
  local parked = redis.call('HGETALL', key)
  if #parked == 0 then
    return 0
  end
  for i = 1, #parked, 2 do
    redis.call('HSET', keyAt(ready), parked[i], parked[i + 1])
  end
  redis.call('DEL', key)
  redis.call('HINCRBY', keyAt(counts), account, -#parked / 2)
  return #parked / 2
end

writes['tally'] = function(key, due, batch, minusState, minusAmount, plusState, plusAmount, final)
  if minusState ~= '' then
    redis.call('HINCRBY', key, 'n:' .. minusState, -1)
    -- Redis takes no '-0', and an error here would leave the half that is written.
    if minusAmount ~= '0' then
      redis.call('HINCRBY', key, 'm:' .. minusState, '-' .. minusAmount)
    end
  end
  redis.call('HINCRBY', key, 'n:' .. plusState, 1)
  redis.call('HINCRBY', key, 'm:' .. plusState, plusAmount)
  local finals = redis.call('HINCRBY', key, 'final', final)
  redis.call('HINCRBY', key, 'version', 1)
  local about = redis.call('HMGET', key, 'watch', 'count')
  if about[1] == 'any' or tonumber(about[2]) == finals then
    redis.call('SADD', keyAt(due), batch)
  end
  return finals
end

writes['trim-cases'] = function(key, cases, max, skip)
  local surplus = redis.call('ZCARD', key) - tonumber(max)
  if surplus <= 0 then
    return 0
  end
  for _, place in ipairs(redis.call('ZRANGE', key, 0, surplus - 1)) do
    redis.call('ZREM', key, place)
    redis.call('HDEL', keyAt(cases), string.sub(place, tonumber(skip) + 1))
  end
  return surplus
end

-- Those who wait read all that is there, so once a call is enough.
local published = {}
writes['publish'] = function(_, channel, message)
  if published[message] == channel then
    return 0
  end
  published[message] = channel
  return redis.call('PUBLISH', channel, message)
end

-- What the function of this name returns for the next key and arguments.
local function apply(functions)
  local name, key, count = take(), keyAt(take()), tonumber(take())
  at = at + count
  return functions[name](key, unpack(ARGV, at - count, at - 1))
end

local function run(last)
  for number = 1, tonumber(take()) do
    local holds, found = apply(checks)
    if not holds then
      return { number, found }
    end
  end
  local results = { 0 }
  while at <= last do
    results[#results + 1] = apply(writes)
  end
  return results
end

local answers = {}
while at <= #ARGV do
  local keyCount, argCount = tonumber(take()), tonumber(take())
  local last = at + argCount - 1
  answers[#answers + 1] = run(last)
  at = last + 1
  keysBefore = keysBefore + keyCount
end
return answers
