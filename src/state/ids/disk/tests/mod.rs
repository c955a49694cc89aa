//! The store as a whole: against the one in memory, over reopenings, crashes, damage and a changed window.
