"""How fast vladser is, beside what one would use without it.

workloads     the datasets to train on, and what each round trains
contest       checks that all contestants train one model, and times them in turns
torch_rnn, flax_rnn    the contestants beside ours
torch_networks         the systems in PyTorch
audio_speed   extraction beside bare openSMILE, and live audio
accelerator, lstm_alone    all that only a device can say, as rows of `figures`
"""

# The module and class of each; they import jax, names alone need none.
PEERS = {"torch_padded": "torch_rnn.Padded", "flax_linen": "flax_rnn.Linen"}
# Of `workloads.SYSTEMS`, likewise.
SYSTEMS = "proposed", "dnn_elm", "attentive_cnn", "frame_lstm", "triplet_lstm"
