//! The connections that are open, of all ports together, and who gives way where there is no room for another one.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    activity::Activity,
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
    /// Ends those that have asked for nothing for longest, as many as wanted; gives how many there were.
    fn end_idle(&mut self, wanted: usize) -> usize {
        let idle = self.connections.iter().filter_map(|(id, (_, activity))| Some((activity.idle_since()?, *id)));
        let mut idle: Vec<(Instant, u64)> = idle.collect();
        if idle.len() > wanted && wanted > 0 {
            idle.select_nth_unstable(wanted - 1);
            idle.truncate(wanted);
        }
        for (_, id) in &idle {
            if let Some(activity) = self.leave(*id) {
                activity.end();
            }
        }
        idle.len()
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
    use burgee_model::Limits;

    use super::*;

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

    #[tokio::test]
    async fn the_one_that_is_idle_for_longest_gives_way_and_none_that_is_served() {
        let door = door(2, 0);
        let (busy, idle) = (door.enter(from("127.0.0.1")).unwrap(), door.enter(from("127.0.0.1")).unwrap());
        let asked = busy.activity.request();
        let third = door.enter(from("127.0.0.1")).unwrap();
        assert_eq!(idle.activity.over(&door.limits).await, Shed::Idle);
        assert_eq!(door.open(), 2);
        // it is gone already: that it drops what it held changes nothing
        drop(idle);
        assert_eq!(door.open(), 2);
        let also_asked = third.activity.request();
        assert!(door.enter(from("127.0.0.1")).is_none());
        assert_eq!(shed(&door), [("full", 1)]);
        drop((asked, also_asked, busy));
        assert!(door.enter(from("127.0.0.1")).is_some());
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
