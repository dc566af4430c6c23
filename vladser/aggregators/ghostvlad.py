"""GhostVLAD: NetVLAD with clusters that only draw frames away from the others."""

from vladser.aggregators import netvlad
from vladser.contracts import Aggregator
from vladser.options import Count


def ghostvlad(*, clusters: Count = 4, ghosts: Count = 1) -> Aggregator:
    """Returns residuals around K of K + G clusters, normalized as NetVLAD's.

        V(k, j) = sum_t a_k(x_t) (x_t(j) - c_k(j)),  k = 1..K
        a_k(x) = exp(w_k x + b_k) / sum_{i = 1..K + G} exp(w_i x + b_i)

    Frames that carry little information, such as silence, may be assigned to the G
    ghosts, which are left out of the vector, V = K H.

    Zhong, Arandjelovic, Zisserman 2018, "GhostVLAD for set-based face recognition",
    section 3.2.

    Args:
      clusters: K, by default NetVLAD's.
      ghosts: G; 1 in the paper.
    """
    return netvlad.with_ghosts(clusters, ghosts)
