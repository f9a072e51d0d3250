--[[
  Checks, and where all of them hold, writes: all or nothing. What is to be decided was decided before, in the program;
  here it is only made sure that what it was decided on is still so. Several transactions may come in one call; each is
  checked and written by itself, in order.

  KEYS    each key that a transaction touches, once
  ARGV    the transactions as JSON, each a list of three: where its keys are among KEYS; its checks; its writes.
          Of a check or write, one after another: its name, which of the transaction's keys, the number of its arguments,
          the arguments
          'quiet', where nobody asks what writes returned

  Returns for each transaction
          {0, what each write returned …}   written; of a quiet call {0}
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
    log record-index text     appends an event about a record to the log, with the place of the one before
    keep text                 writes a record, and behind it the place of its last event
    park counts-index account id receipt max
                              parks a receipt, once, and counts it; nothing if the account has its share parked
    unpark counts-index ready-index account
                              what is parked becomes ready
    tally due-index batch minus-state minus-amount plus-state plus-amount final
                              moves a transfer from one state's total to another's; notes the batch where something may follow
    trim-cases cases-index max skip
                              lets go of the oldest in an index of resolved cases
    schedule due-index lines-index run
                              notes under a run when the first of its lines is due; nothing where it has none
    publish channel message
]]
local quiet = ARGV[2] == 'quiet'
-- Of the transaction that is under way: where its keys are.
local places
local function keyAt(index)
  return KEYS[places[tonumber(index)]]
end

-- Longer than a place in the log is.
local trailLength = 40
-- Of the record under a key, where in the log its last event is.
local trail = {}

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
  trail[key] = string.match(string.sub(found, -trailLength), '} (%d+%-%d+)$')
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

writes['log'] = function(key, record, text)
  record = keyAt(record)
  local before = trail[record]
  if before then
    text = string.sub(text, 1, -2) .. ',"p":"' .. before .. '"}'
  end
  trail[record] = redis.call('XADD', key, '*', 'e', text)
  return trail[record]
end

writes['keep'] = function(key, text)
  redis.call('SET', key, trail[key] and text .. ' ' .. trail[key] or text)
  return trail[key]
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
  -- A sum that does not fit is refused here, before anything is written.
  redis.call('HINCRBY', key, 'm:' .. plusState, plusAmount)
  if minusState ~= '' then
    redis.call('HINCRBY', key, 'n:' .. minusState, -1)
    -- Redis takes no '-0', and an error here would leave the half that is written.
    if minusAmount ~= '0' then
      redis.call('HINCRBY', key, 'm:' .. minusState, '-' .. minusAmount)
    end
  end
  redis.call('HINCRBY', key, 'n:' .. plusState, 1)
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

writes['schedule'] = function(key, lines, run)
  local first = redis.call('ZRANGE', keyAt(lines), 0, 0, 'WITHSCORES')
  if #first == 0 then
    return redis.call('ZREM', key, run)
  end
  return redis.call('ZADD', key, first[2], run)
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

-- What each function returns for its key and arguments; stops where `stop` says so.
local function each(list, functions, see)
  local at, number = 1, 1
  while at <= #list do
    local last = at + 2 + list[at + 2]
    local result, found = functions[list[at]](keyAt(list[at + 1]), unpack(list, at + 3, last))
    if see(number, result, found) then
      return
    end
    at, number = last + 1, number + 1
  end
end

local function run(transaction)
  places = transaction[1]
  trail = {}
  local failed
  each(transaction[2], checks, function(number, holds, found)
    if not holds then
      failed = { number, found }
    end
    return not holds
  end)
  if failed then
    return failed
  end
  local results = { 0 }
  each(transaction[3], writes, function(number, result)
    if not quiet then
      results[number + 1] = result
    end
  end)
  return results
end

local answers = {}
for i, transaction in ipairs(cjson.decode(ARGV[1])) do
  answers[i] = run(transaction)
end
return answers
