"""The LSTM's loops over time, and which of them a program has.

lstm         chooses
lstm_scan    one step after another, anywhere
lstm_triton  one kernel in each direction, for NVIDIA GPUs
lstm_mosaic  the same, for TPUs
"""
