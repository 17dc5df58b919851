"""Questions with their derivations as text and as pictures."""
