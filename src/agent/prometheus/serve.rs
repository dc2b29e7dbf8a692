//! Answers Prometheus on one address.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// How many are answered at once; the rest waits.
const AT_ONCE: usize = 8;

/// How long one connection may take, scrapes that follow each other included.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long until a port that is taken is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// Starts answering with the newest page. What goes wrong with the port is told, and that it is over with an empty text.
pub(crate) fn start(address: String, pages: watch::Receiver<Arc<str>>) -> watch::Receiver<String> {
    let (tell, told) = watch::channel(String::new());
    tokio::spawn(async move {
        loop {
            match TcpListener::bind(&address).await {
                Ok(listener) => {
                    tell.send_replace(String::new());
                    let why = accept(&listener, &pages).await;
                    tell.send_replace(format!("{address}: {why}"));
                }
                Err(error) => {
                    tell.send_replace(format!("{address}: {error}"));
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    });
    told
}

async fn accept(listener: &TcpListener, pages: &watch::Receiver<Arc<str>>) -> std::io::Error {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            continue;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Whoever hung up before it was accepted concerns nobody.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => continue,
            Err(error) => return error,
        };
        let pages = pages.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(PATIENCE, talk(stream, pages)).await;
            drop(place);
        });
    }
}

async fn talk(stream: TcpStream, pages: watch::Receiver<Arc<str>>) {
    let service = service_fn(move |request| {
        let page = Arc::clone(&pages.borrow());
        async move { Ok::<_, Infallible>(answer(&request, &page)) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .max_buf_size(16 * 1024);
    // A connection that breaks concerns nobody but its client.
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(request: &Request<Incoming>, page: &str) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, page.to_owned()),
        (&Method::GET | &Method::HEAD, "/") => (StatusCode::OK, "see /metrics\n".to_owned()),
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "see /metrics\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "GET /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn get(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("it answers");
        answer
    }

    async fn free_port() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address").to_string()
    }

    #[tokio::test]
    async fn the_newest_page_is_answered() {
        let address = free_port().await;
        let (page, pages) = watch::channel(Arc::from("one 1\n"));
        let _told = start(address.clone(), pages);
        for _ in 0..200 {
            if TcpStream::connect(&address).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        page.send_replace(Arc::from("two 2\n"));
        let ask =
            |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = get(&address, &ask("/metrics")).await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("two 2\n"),
            "{answer}"
        );
        assert!(answer.contains("version=0.0.4"), "{answer}");
        assert!(
            get(&address, &ask("/other"))
                .await
                .starts_with("HTTP/1.1 404")
        );
        let post =
            "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        assert!(get(&address, post).await.starts_with("HTTP/1.1 405"));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (_page, pages) = watch::channel(Arc::from(""));
        let mut told = start(address.clone(), pages);
        told.changed().await.expect("it is told");
        assert!(
            told.borrow().contains(&address),
            "{}",
            told.borrow().as_str()
        );
    }
}
