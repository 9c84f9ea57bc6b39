//! The connections that are open, of all ports together, and who gives way where there is no room for another one.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    activity::{Activity, Standing},
    limits::ConnectionLimits,
    shed::{Shed, Sheds},
};

/// Of how many connections one gives way at once: looking for them looks at all.
const SHARE: usize = 64;

/// The connections that are open.
#[derive(Debug)]
pub(crate) struct Door {
    pub(super) limits: ConnectionLimits,
    sheds: Sheds,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, (IpAddr, Arc<Activity>)>,
    by_address: HashMap<IpAddr, usize>,
}

impl Door {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        Self { limits, sheds: Sheds::new(Instant::now()), open: Mutex::default() }
    }

    /// Takes a connection, where there is room for it.
    pub(super) fn enter(self: &Arc<Self>, address: SocketAddr) -> Option<Entry> {
        let mut open = self.lock();
        let (max, per_address) = (self.limits.connections, self.limits.per_address);
        let refused = if per_address > 0 && open.by_address.get(&address.ip()).is_some_and(|n| *n >= per_address) {
            Some(Shed::Address)
        } else if open.connections.len() >= max && open.end_idle(max.div_ceil(SHARE)) == 0 {
            Some(Shed::Full)
        } else {
            None
        };
        if let Some(why) = refused {
            drop(open);
            self.shed(why, address);
            return None;
        }
        let (id, activity) = (open.next, Arc::new(Activity::new()));
        open.next += 1;
        open.connections.insert(id, (address.ip(), activity.clone()));
        *open.by_address.entry(address.ip()).or_default() += 1;
        Some(Entry { door: self.clone(), id, address, activity })
    }

    /// Has some give way that ask for nothing.
    pub(super) fn make_room(&self) {
        let mut open = self.lock();
        let count = open.connections.len().div_ceil(SHARE);
        open.end_idle(count);
    }

    pub(super) fn shed(&self, why: Shed, address: SocketAddr) {
        self.sheds.count(why, address);
    }

    /// How many may be open.
    pub(crate) fn max(&self) -> usize {
        self.limits.connections
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.lock().connections.len()
    }

    /// How many were shed since the start, by reason.
    pub(crate) fn shed_totals(&self) -> Vec<(&'static str, u64)> {
        self.sheds.totals()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Has those give way that have asked for nothing for longest, as many as wanted; where there are none, those whose
    /// requests nobody admitted. Gives how many there were.
    fn end_idle(&mut self, wanted: usize) -> usize {
        let found = self.connections.iter().filter_map(|(id, (_, activity))| Some((activity.standing()?, *id)));
        let mut found: Vec<(Standing, u64)> = found.collect();
        let idle = found.iter().filter(|(standing, _)| !standing.asks).count();
        let wanted = if idle > 0 { wanted.min(idle) } else { wanted };
        if found.len() > wanted && wanted > 0 {
            found.select_nth_unstable(wanted - 1);
            found.truncate(wanted);
        }
        for (_, id) in &found {
            if let Some(activity) = self.leave(*id) {
                activity.give_way();
            }
        }
        found.len()
    }

    fn leave(&mut self, id: u64) -> Option<Arc<Activity>> {
        let (address, activity) = self.connections.remove(&id)?;
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(activity)
    }
}

/// A connection that was taken; dropped, it is gone.
pub(super) struct Entry {
    pub(super) door: Arc<Door>,
    id: u64,
    pub(super) address: SocketAddr,
    pub(super) activity: Arc<Activity>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.door.lock().leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use burgee_api::Asking;
    use burgee_model::Limits;

    use super::*;
    use crate::serving::asked::Asked;

    fn door(connections: usize, per_address: usize) -> Arc<Door> {
        let limits = Limits { connections, connections_per_address: per_address, ..Limits::default() };
        Arc::new(Door::new(ConnectionLimits::new(&limits)))
    }

    fn from(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    fn shed(door: &Door) -> Vec<(&'static str, u64)> {
        door.shed_totals().into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn enter(door: &Arc<Door>) -> Entry {
        door.enter(from("127.0.0.1")).unwrap()
    }

    fn admitted(entry: &Entry) -> Arc<Asked> {
        let asked = Asked::new(&entry.activity);
        assert!(asked.admit());
        asked
    }

    #[tokio::test]
    async fn the_one_that_is_idle_for_longest_gives_way_and_none_that_is_served() {
        let door = door(2, 0);
        let (busy, idle) = (enter(&door), enter(&door));
        let asked = admitted(&busy);
        let third = enter(&door);
        idle.activity.giving_way().await;
        assert_eq!(door.open(), 2);
        // it is gone already: that it drops what it held changes nothing
        drop(idle);
        assert_eq!(door.open(), 2);
        let also_asked = admitted(&third);
        assert!(door.enter(from("127.0.0.1")).is_none());
        assert_eq!(shed(&door), [("full", 1)]);
        drop((asked, also_asked, busy));
        assert!(door.enter(from("127.0.0.1")).is_some());
    }

    #[tokio::test]
    async fn requests_that_nobody_admitted_give_way_after_those_that_are_idle() {
        let door = door(2, 0);
        let (stranger, idle) = (enter(&door), enter(&door));
        let _asked = Asked::new(&stranger.activity);
        let third = enter(&door);
        idle.activity.giving_way().await;
        let _served = admitted(&third);
        let _fourth = enter(&door);
        stranger.activity.giving_way().await;
        assert!(shed(&door).is_empty());
    }

    #[test]
    fn an_address_may_have_so_many() {
        let door = door(10, 1);
        let first = door.enter(from("127.0.0.1")).unwrap();
        assert!(door.enter(from("127.0.0.1")).is_none() && door.enter(from("127.0.0.2")).is_some());
        assert_eq!(shed(&door), [("address", 1)]);
        drop(first);
        assert!(door.enter(from("127.0.0.1")).is_some());
        assert!(door.lock().by_address.is_empty(), "nothing is remembered of who left");
    }
}
