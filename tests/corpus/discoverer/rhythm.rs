//! A simple model of two addresses that speak in step, each in its own network.

use foghorn::time::Duration;

/// The record of an address beside the preferred one.
#[derive(Clone, Copy, Default)]
pub(super) struct Rhythm {
    /// Rounds in step.
    rounds: u8,
    /// How often the address spoke alone; an announcement at its regular time counts more.
    alone: u8,
    /// Whether it last spoke alone at its regular time.
    was_regular: bool,
}

impl Rhythm {
    /// True if the two are companions from now on.
    pub(super) fn together(&mut self, is_regular: bool) -> bool {
        if !is_regular {
            self.alone = self.alone.saturating_sub(4);
            self.was_regular = false;
            return false;
        }
        *self = Self { rounds: self.rounds.saturating_add(1), ..Self::default() };
        self.rounds == 3
    }

    /// True if it is out of step.
    pub(super) fn alone(&mut self, is_regular: bool) -> bool {
        self.alone += match (is_regular, self.is_companion()) {
            (false, _) => 1,
            (true, true) => 5,
            (true, false) => 8,
        };
        self.was_regular = is_regular;
        let is_out_of_step = self.alone >= 15;
        if is_out_of_step {
            *self = Self::default();
        }
        is_out_of_step
    }

    /// Whether the address spoke at its regular time when it spoke before the preferred one.
    pub(super) fn waits(self) -> Option<bool> {
        (self.alone > 0).then_some(self.was_regular)
    }

    pub(super) fn is_companion(self) -> bool {
        self.rounds >= 3
    }
}

/// Whether both spoke within one round.
pub(super) fn is_together(between: Duration, lease: Duration) -> bool {
    between.millis() <= 2000.min(lease.millis() / 12)
}

/// Whether an address spoke at its regular time after so long a silence.
pub(super) fn is_regular(silent: Duration, lease: Duration) -> bool {
    silent.times(4) >= lease
}
