//! What happens to instances, their membership and their disks.

use super::topology::GROUP;
use super::world::World;
use std::time::Duration;

impl World {
    /// Something happens to an instance.
    ///
    /// # Errors
    /// When that does what it must not.
    pub fn event(&mut self) -> Result<(), String> {
        let at = self.random.below(self.slots.len() as u64) as usize;
        match self.random.below(8) {
            0 | 1 => self.start(at),
            2 => self.kill(at),
            3 => self.becomes_a_zombie(at),
            4 => self.freeze(at),
            5 => {
                let members = self.broker.members(GROUP);
                if let Some(member) = self.random.pick(&members) {
                    self.log.add(|| format!("session of {} ends", member.id));
                    self.broker.expire(GROUP, &member.id);
                }
            }
            6 => {
                let by = Duration::from_secs(self.random.below(50));
                self.log.add(|| format!("{by:?} pass"));
                self.broker.advance(by);
            }
            _ => return self.finish(at),
        }
        Ok(())
    }

    /// What is worst for one that has something half done, a commit perhaps.
    pub fn event_in_between(&mut self, at: usize) {
        match self.random.below(4) {
            0 => self.kill(at),
            1 => self.freeze(at),
            _ => self.becomes_a_zombie(at),
        }
    }

    fn freeze(&mut self, at: usize) {
        self.log.add(|| format!("{} freezes", self.slots[at].name));
        self.slots[at].frozen = 5 + self.random.below(60);
    }

    /// Frozen, and taken for dead by its group.
    fn becomes_a_zombie(&mut self, at: usize) {
        self.freeze(at);
        self.count("zombies", 1);
        let name = self.slots[at].name.clone();
        let members = self.broker.members(GROUP);
        for member in members.iter().filter(|member| member.process == name) {
            self.log.add(|| format!("session of {} ends", member.id));
            self.broker.expire(GROUP, &member.id);
        }
    }

    /// Something happens to a disk.
    pub fn disk_event(&mut self) {
        let at = self.random.below(self.slots.len() as u64) as usize;
        let name = self.slots[at].name.clone();
        match self.random.below(8) {
            0..=3 => {
                self.count("stores damaged", 1);
                let damaged = self.slots[at].disk.damage();
                self.log.add(|| format!("disk of {name} is damaged: {damaged:?}"));
                return;
            }
            4 | 5 => {
                self.kill(at);
                self.log.add(|| format!("power of {name} is cut"));
                self.count("power cuts", 1);
                self.slots[at].disk.power_cut();
            }
            6 => {
                self.kill(at);
                self.log.add(|| format!("disk of {name} is lost"));
                self.count("disks lost", 1);
                self.slots[at].disk.lose();
            }
            _ => {
                let other = self.random.below(self.slots.len() as u64) as usize;
                self.kill(at);
                self.kill(other);
                self.log.add(|| {
                    format!(
                        "{name} gets the disk of {}, and the other way round",
                        self.slots[other].name
                    )
                });
                self.count("disks moved", 1);
                let disk = self.slots[at].disk.clone();
                self.slots[at].disk = std::mem::replace(&mut self.slots[other].disk, disk);
            }
        }
        if self.random.chance(700) {
            self.start(at);
        }
    }
}
