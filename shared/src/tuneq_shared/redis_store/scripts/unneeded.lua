-- ARGV: account, file. Whether the file is still to be deleted: no request has named it meanwhile.
if redis.call('EXISTS', P .. 'named:' .. ARGV[3]) == 1 then return 0 end
return redis.call('SISMEMBER', P .. 'unneeded:' .. ARGV[2], ARGV[3])
