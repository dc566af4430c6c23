"""Tiny networks of random weights, in the folders that transformers reads."""

import torch
import transformers as t

# Two convolutions of strides 5 and 64: 20 ms, as of the real ones.
_CONVOLUTIONS = {
    "conv_dim": (16, 16, 16),
    "conv_kernel": (10, 8, 8),
    "conv_stride": (5, 8, 8),
    "num_feat_extract_layers": 3,
}
_SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "vocab_size": 32,
}
_LAYERED = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
_LAYERED |= {"conv_bias": True}
_WHISPER = {
    "d_model": 32,
    "encoder_layers": 3,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "num_mel_bins": 80,
}
_TOKENS = {"vocab_size": 8, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_TOKENS |= {"decoder_start_token_id": 1}

# By name: the class of the network, its settings, and what prepares signals for it.
_SIGNALS = t.Wav2Vec2FeatureExtractor
KINDS = {
    "wav2vec2": (t.Wav2Vec2Model, _SMALL | _CONVOLUTIONS, _SIGNALS),
    "wav2vec2-layer": (t.Wav2Vec2Model, _SMALL | _CONVOLUTIONS | _LAYERED, _SIGNALS),
    "hubert": (t.HubertModel, _SMALL | _CONVOLUTIONS, _SIGNALS),
    "unispeech": (t.UniSpeechModel, _SMALL | _CONVOLUTIONS | _LAYERED, _SIGNALS),
    "unispeech-sat": (
        t.UniSpeechSatModel,
        _SMALL | _CONVOLUTIONS | _LAYERED,
        _SIGNALS,
    ),
    "wav2vec2-conformer": (
        t.Wav2Vec2ConformerModel,
        _SMALL | _CONVOLUTIONS | _LAYERED,
        _SIGNALS,
    ),
    "wavlm": (t.WavLMModel, _SMALL | _CONVOLUTIONS | _LAYERED, _SIGNALS),
    "data2vec-audio": (
        t.Data2VecAudioModel,
        _SMALL
        | _CONVOLUTIONS
        | {"num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 5},
        _SIGNALS,
    ),
    "wav2vec2-bert": (
        t.Wav2Vec2BertModel,
        _SMALL | {"feature_projection_input_dim": 160},
        t.SeamlessM4TFeatureExtractor,
    ),
    "whisper": (t.WhisperModel, _WHISPER | _TOKENS, t.WhisperFeatureExtractor),
}


def save(kind, folder, seed=0, **settings):
    """Writes a network of random weights, larger than fresh ones, whose layers would
    all but repeat their input."""
    model, own, extractor = KINDS[kind]
    torch.manual_seed(seed)
    network = model(model.config_class(**own | settings)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.2)
    network.save_pretrained(folder)
    masks = {"return_attention_mask": own.get("feat_extract_norm") == "layer"}
    extractor(**masks if extractor is _SIGNALS else {}).save_pretrained(folder)
    return folder
