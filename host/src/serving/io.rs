//! A connection's bytes, watched: that some came, and whether the network takes those that are sent.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;

/// A connection that is watched.
pub(super) struct Watched<I> {
    io: I,
    /// What was read of it already.
    first: Bytes,
    activity: Arc<Activity>,
    /// Whether what comes between requests is a head.
    heads: bool,
}

impl<I> Watched<I> {
    /// Watches a connection of which something was read already.
    pub(super) fn new(io: I, first: Bytes, activity: Arc<Activity>, heads: bool) -> Self {
        Self { io, first, activity, heads }
    }

    fn wrote<T>(&self, polled: &Poll<io::Result<T>>) {
        match polled {
            Poll::Ready(Ok(_)) => self.activity.unread.wrote(true, self.activity.now()),
            Poll::Pending => self.activity.unread.wrote(false, self.activity.now()),
            Poll::Ready(Err(_)) => {}
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = if self.first.is_empty() {
            Pin::new(&mut self.io).poll_read(context, buffer)
        } else {
            let most = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first.split_to(most));
            Poll::Ready(Ok(()))
        };
        if self.heads && polled.is_ready() {
            self.activity.idle.read(self.activity.now());
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(context, bytes);
        self.wrote(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(context, parts);
        self.wrote(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // what TLS was given waits in it until the network takes it
        let polled = Pin::new(&mut self.io).poll_flush(context);
        self.wrote(&polled);
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
