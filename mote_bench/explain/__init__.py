"""Why a template accepted or refused: attributions through any scheme's surrogate, and how far to trust them."""
