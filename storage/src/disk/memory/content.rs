//! The content of one file: pages as programs see them, and what of them is on the medium.

use std::collections::BTreeSet;

use crate::disk::FaultPlan;

/// What a crash may make of a dirty page.
const OLD: u64 = 0;
const TORN: u64 = 1;
const GARBAGE: u64 = 2;
/// The rest of the choices is: written.
const CHOICES: u64 = 6;

/// Both images of a file.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) live: Vec<u8>,
    durable: Vec<u8>,
    /// Pages that have changed since they were written to the medium.
    dirty: BTreeSet<usize>,
    page: usize,
}

impl Content {
    pub(super) fn new(page: usize) -> Content {
        Content { page, ..Content::default() }
    }

    pub(super) fn durable(page: usize, bytes: &[u8]) -> Content {
        Content { live: bytes.to_vec(), durable: bytes.to_vec(), dirty: BTreeSet::new(), page }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let first = self.live.len() / self.page;
        self.live.extend_from_slice(bytes);
        self.dirty.extend(first..=(self.live.len() - 1) / self.page);
    }

    pub(super) fn truncate(&mut self, length: usize) {
        if length >= self.live.len() {
            return;
        }
        self.live.truncate(length);
        self.dirty.split_off(&length.div_ceil(self.page));
        if !length.is_multiple_of(self.page) {
            // The rest of the last page is zeroed.
            self.dirty.insert(length / self.page);
        }
    }

    /// Writes the dirty pages and the length. Pages that a failed sync dropped stay what they were on the medium.
    pub(super) fn sync(&mut self) {
        self.durable.resize(self.live.len(), 0);
        for page in std::mem::take(&mut self.dirty) {
            self.write_page(page);
        }
    }

    /// A sync failed: the pages count as clean, and never were written.
    pub(super) fn drop_dirty(&mut self) {
        self.dirty.clear();
    }

    /// The system writes some dirty pages on its own account.
    pub(super) fn write_back(&mut self, plan: &mut FaultPlan) {
        if self.durable.len() > self.live.len() && plan.below(2) == 1 {
            self.durable.truncate(self.live.len());
        }
        for page in std::mem::take(&mut self.dirty) {
            if plan.below(2) == 1 {
                let end = ((page + 1) * self.page).min(self.live.len());
                self.durable.resize(self.durable.len().max(end), 0);
                self.write_page(page);
            } else {
                self.dirty.insert(page);
            }
        }
    }

    fn write_page(&mut self, page: usize) {
        let from = page * self.page;
        let to = (from + self.page).min(self.live.len()).min(self.durable.len());
        if from < to {
            self.durable[from..to].copy_from_slice(&self.live[from..to]);
        }
    }

    /// The power goes: the length is the old one, the new one, or one between; each dirty page is old, new, torn at a byte, or
    /// garbage where nothing was before. What was never written reads as zeros.
    pub(super) fn crash(&mut self, plan: &mut FaultPlan) {
        let (old, new) = (self.durable.len(), self.live.len());
        let length = match plan.below(4) {
            0 => old,
            1 => old.min(new) + plan.below(old.abs_diff(new) as u64 + 1) as usize,
            _ => new,
        };
        let mut left = self.durable.clone();
        left.resize(length, 0);
        for page in std::mem::take(&mut self.dirty) {
            let from = page * self.page;
            let to = (from + self.page).min(length).min(new);
            if from >= to {
                continue;
            }
            match plan.below(CHOICES) {
                OLD => {}
                TORN => {
                    let cut = from + plan.below((to - from) as u64) as usize;
                    left[from..cut].copy_from_slice(&self.live[from..cut]);
                }
                GARBAGE => left[from.max(old.min(to))..to].fill_with(|| plan.below(256) as u8),
                _ => left[from..to].copy_from_slice(&self.live[from..to]),
            }
        }
        *self = Content::durable(self.page, &left);
    }

    /// The power goes; of what was appended and not synced, so many bytes survive.
    pub(super) fn crash_keeping(&mut self, keep: impl FnOnce(usize) -> usize) {
        let mut left = self.durable.clone();
        if let Some(unsynced) = self.live.strip_prefix(&self.durable[..]) {
            left.extend_from_slice(&unsynced[..keep(unsynced.len()).min(unsynced.len())]);
        }
        *self = Content::durable(self.page, &left);
    }
}
