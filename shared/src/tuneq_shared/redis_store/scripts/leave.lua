-- ARGV: id, subscriber
leave(ARGV[2], ARGV[3], now())
return 1
