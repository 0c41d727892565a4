"""The demo: a made-up data set, and the published experiment in small."""
