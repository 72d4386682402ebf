"""What a board shows, worked out from records: the strongest attacks, the standings, the gate. It renders nothing."""
