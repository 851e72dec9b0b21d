"""Which figures move the answer: tornado, joint draws, decks, policy branches, and runs compared."""
