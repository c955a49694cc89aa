//! What every part of a file is read with.

use crate::expression::Names;
use crate::value::SecretNames;
use std::path::Path;

pub(super) struct Parts<'p> {
    /// Where the files are that the topology names.
    pub folder: &'p Path,
    /// `None` where the variables are wrong: then expressions are not compiled.
    pub names: Option<&'p Names>,
    pub secrets: &'p SecretNames,
}
