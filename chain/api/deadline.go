package api

import (
	"io"
	"net/http"
	"time"
)

// deadlineWriter gives each write its own deadline: a reader that stops reading
// is cut off, a long stream is not.
type deadlineWriter struct {
	http.ResponseWriter
	rc *http.ResponseController
}

// extend may fail where deadlines are not supported; writes then have none.
func (d *deadlineWriter) extend() { _ = d.rc.SetWriteDeadline(time.Now().Add(writeTimeout)) }

func (d *deadlineWriter) Write(b []byte) (int, error) {
	d.extend()
	return d.ResponseWriter.Write(b)
}

// Flush implements http.Flusher, which streams need.
func (d *deadlineWriter) Flush() {
	d.extend()
	_ = d.rc.Flush() // the next write reports a broken connection
}

// Unwrap lets http.ResponseController reach the writer below.
func (d *deadlineWriter) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// deadlineBody gives the body of a request as a whole a deadline, which does not
// outlive it: a server's ReadTimeout would end long streams.
type deadlineBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

func newDeadlineBody(body io.ReadCloser, rc *http.ResponseController) io.ReadCloser {
	_ = rc.SetReadDeadline(time.Now().Add(readTimeout))
	return &deadlineBody{body, rc}
}

func (d *deadlineBody) Read(b []byte) (int, error) {
	n, err := d.ReadCloser.Read(b)
	if err == io.EOF {
		_ = d.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}
