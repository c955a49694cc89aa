//! Past what nobody wants.

use super::super::failure::{Done, failed};
use super::super::resolve::{Read, Step, StepId};
use super::Decoding;

impl Decoding<'_, '_> {
    /// Goes past a value that nobody wants.
    pub(super) fn skip(&mut self, id: StepId, depth: usize) -> Done<()> {
        self.spend(1)?;
        let plan = self.plan;
        match plan.step(id) {
            Step::Null => {}
            Step::Boolean => self.take(1).map(drop)?,
            Step::Text | Step::Json | Step::UuidText | Step::Characters | Step::Decimal { .. } => {
                self.prefixed().map(drop)?
            }
            Step::Number(Read::Int | Read::Long, _) | Step::Enum(_) => self.long().map(drop)?,
            Step::Number(Read::Float, _) => self.take(4).map(drop)?,
            Step::Number(Read::Double, _) => self.take(8).map(drop)?,
            Step::Fixed(size, _) => self.take(*size).map(drop)?,
            Step::Union(branches) => {
                let step = self.branch(branches)?;
                self.skip(step, depth)?;
            }
            Step::Record(record) => {
                let depth = self.deeper(depth)?;
                for (step, _) in &record.fields {
                    self.skip(*step, depth)?;
                }
            }
            Step::Array(of) | Step::Map(of) => {
                let named = matches!(plan.step(id), Step::Map(_));
                let depth = self.deeper(depth)?;
                loop {
                    let count = self.block()?;
                    if count == 0 {
                        break;
                    }
                    for _ in 0..count {
                        if named {
                            self.prefixed()?;
                        }
                        self.skip(*of, depth)?;
                    }
                }
            }
            Step::Never(why) => return failed(why.clone()),
        }
        Ok(())
    }
}
