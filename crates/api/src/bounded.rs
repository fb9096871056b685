//! Bodies are read with a limit each, and with one for all of them together.

use axum::body::Body;
use axum::body::HttpBody as _;
use http_body_util::BodyExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Memory that the bodies of all requests together may hold, in KiB. One that finds no room is answered 503.
static BUDGET: Semaphore = Semaphore::const_new(256 * 1024);

/// What to tell a client whose body finds no room.
pub(crate) const NO_ROOM: &str = "too many request bodies at once, send this one again";

/// A part of the budget, in KiB, taken up until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Room(Option<SemaphorePermit<'static>>);

impl Room {
    /// Makes room for `bytes` in all; false if there is none.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let held = self.0.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = bytes.div_ceil(1024).saturating_sub(held);
        let Ok(missing) = u32::try_from(missing) else { return false };
        let Ok(more) = BUDGET.try_acquire_many(missing) else { return false };
        match &mut self.0 {
            Some(room) => room.merge(more),
            None => self.0 = Some(more),
        }
        true
    }
}

/// Why a body was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge,
    NoRoom,
    Broken,
}

/// Reads a body of at most `most` bytes. What has come of it takes up room.
pub(crate) async fn collect(mut body: Body, most: usize, room: &mut Room) -> Result<Vec<u8>, Unread> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(Unread::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > most {
            return Err(Unread::TooLarge);
        }
        if !room.grow_to(length) {
            return Err(Unread::NoRoom);
        }
        if bytes.is_empty() {
            bytes.reserve_exact(announced.max(data.len()));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(room: &Room) -> usize {
        room.0.as_ref().map_or(0, SemaphorePermit::num_permits)
    }

    #[tokio::test]
    async fn what_has_come_takes_up_room() {
        let mut room = Room::default();
        assert_eq!(collect(Body::from(vec![0; 5000]), 5000, &mut room).await.map(|bytes| bytes.len()), Ok(5000));
        assert_eq!(held(&room), 5);
        assert_eq!(collect(Body::from(vec![0; 5001]), 5000, &mut Room::default()).await, Err(Unread::TooLarge));
    }

    #[tokio::test]
    async fn what_is_announced_takes_up_nothing_before_it_comes() {
        let mut room = Room::default();
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1024]));
        assert_eq!(collect(Body::from_stream(endless), 10 * 1024, &mut room).await, Err(Unread::TooLarge));
        assert_eq!(held(&room), 10);
        let broken = futures::stream::iter([Ok(vec![b' '; 1024]), Err(std::io::Error::other("gone"))]);
        let mut room = Room::default();
        assert_eq!(collect(Body::from_stream(broken), 10 * 1024, &mut room).await, Err(Unread::Broken));
        assert_eq!(held(&room), 1);
    }

    #[test]
    fn room_is_limited_and_comes_back() {
        let mut room = Room::default();
        assert!(room.grow_to(1) && room.grow_to(1024) && room.grow_to(1));
        assert_eq!(held(&room), 1);
        assert!(!room.grow_to(1024 * 1024 * 1024), "more than there is");
        assert_eq!(held(&room), 1);
    }
}
