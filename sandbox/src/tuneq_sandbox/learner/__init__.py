"""A small learner that really learns from chat lines: hashed features, softmax, AdaGrad."""
