//! What a subject asks of a new version of its schema.

/// Which versions must understand each other. Those with `transitive` mean all versions, the others the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nobody tests anything.
    None,
    /// Readers with the new schema understand what was written with the old one.
    Backward { transitive: bool },
    /// Readers with the old schema understand what is written with the new one.
    Forward { transitive: bool },
    /// Both.
    Full { transitive: bool },
}

/// Every level by the registry's name for it.
const NAMES: [(&str, Level); 7] = [
    ("NONE", Level::None),
    ("BACKWARD", Level::Backward { transitive: false }),
    ("BACKWARD_TRANSITIVE", Level::Backward { transitive: true }),
    ("FORWARD", Level::Forward { transitive: false }),
    ("FORWARD_TRANSITIVE", Level::Forward { transitive: true }),
    ("FULL", Level::Full { transitive: false }),
    ("FULL_TRANSITIVE", Level::Full { transitive: true }),
];

impl Level {
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
    }

    /// The registry's name for it.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, level)| *level == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether the new schema must read what is there.
    pub fn is_backward(self) -> bool {
        matches!(self, Self::Backward { .. } | Self::Full { .. })
    }

    /// Whether the old schemas must read what comes.
    pub fn is_forward(self) -> bool {
        matches!(self, Self::Forward { .. } | Self::Full { .. })
    }
}
