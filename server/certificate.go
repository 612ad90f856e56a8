package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"

	"natftpd/server/data"
)

const (
	// selfSignedLife is long: nobody verifies the certificate but by
	// comparing it with what was seen the first time.
	selfSignedLife = 10 * 365 * 24 * time.Hour
	// lookInterval is how often, at most, the operator's files are looked at.
	lookInterval = 2 * time.Second
)

// TLS returns the one tls.Config for control and data connections: TLS 1.2 and
// better, with session tickets, for many clients want the data connection to
// resume the control connection's session.
//
// With certificate and key, PEM files, these are served, and read again when
// they change; a broken pair leaves the old one in use. Without, a self-signed
// certificate is made once and kept in stateDir. When that can't be written, a
// certificate for this run alone is made, and warning says so.
func TLS(certificate, key, stateDir string, log *slog.Logger) (cfg *tls.Config, warning string, err error) {
	remedy := ""
	if certificate == "" {
		remedy = "; remove both files, and the next start makes new ones, which clients have to accept anew"
		certificate, key, err = selfSigned(filepath.Join(stateDir, "tls"))
		if err != nil {
			pair, _, errMake := makeSelfSigned()
			if errMake != nil {
				return nil, "", errMake
			}
			warning = fmt.Sprintf("the self-signed certificate cannot be kept, clients will see another one after a restart: %v", err)
			return newTLS(&tls.Config{Certificates: []tls.Certificate{pair}}), warning, nil
		}
	}
	p := &pair{certificate: certificate, key: key, log: log}
	if err := p.load(); err != nil {
		return nil, "", fmt.Errorf("%w%s", err, remedy)
	}
	return newTLS(&tls.Config{GetCertificate: p.get}), "", nil
}

// newTLS has cfg do what all our channels do. Records are full from the first one
// on: small ones help a browser that draws half a page, and no file.
func newTLS(cfg *tls.Config) *tls.Config {
	cfg.MinVersion, cfg.DynamicRecordSizingDisabled = tls.VersionTLS12, true
	data.EaseResumption(cfg)
	return cfg
}

// pair is a certificate and its key on disk.
type pair struct {
	certificate, key string
	log              *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]stamp // of the files that are current
	looked  time.Time
	problem string // what was last wrong with them
}

// stamp tells one version of a file from the next.
type stamp struct {
	size     int64
	modified time.Time
}

// get is the certificate for a handshake.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	current, due := p.current, time.Since(p.looked) >= lookInterval
	if due {
		p.looked = time.Now()
	}
	p.mu.Unlock()
	if !due {
		return current, nil
	}
	problem := ""
	if err := p.load(); err != nil {
		problem = err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if problem != "" && problem != p.problem {
		p.log.Error("the TLS certificate on disk is not usable, the old one stays in use", "error", problem)
	}
	p.problem = problem
	return p.current, nil
}

// load reads the files if they are not the current ones.
func (p *pair) load() error {
	var now [2]stamp
	for i, name := range []string{p.certificate, p.key} {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("TLS certificate: %w", err)
		}
		now[i] = stamp{info.Size(), info.ModTime()}
	}
	p.mu.Lock()
	same, first := now == p.seen, p.current == nil
	p.mu.Unlock()
	if same {
		return nil
	}
	loaded, err := tls.LoadX509KeyPair(p.certificate, p.key)
	if err != nil {
		return fmt.Errorf("TLS certificate %s with key %s: %w", p.certificate, p.key, err)
	}
	p.mu.Lock()
	p.current, p.seen = &loaded, now
	p.mu.Unlock()
	if !first {
		p.log.Info("TLS certificate read again", "file", p.certificate)
	}
	return nil
}

// selfSigned names the files of the self-signed certificate, and makes them if
// they are not there.
func selfSigned(dir string) (certificate, key string, err error) {
	certificate, key = filepath.Join(dir, "self-signed.pem"), filepath.Join(dir, "self-signed.key")
	_, errCertificate := os.Stat(certificate)
	_, errKey := os.Stat(key)
	if errCertificate == nil && errKey == nil {
		return certificate, key, nil
	}
	if err := errors.Join(notMissing(errCertificate), notMissing(errKey)); err != nil {
		return "", "", err
	}
	pair, keyDER, err := makeSelfSigned()
	if err != nil {
		return "", "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", err
	}
	// The certificate last: it is there only if its key is.
	if err := writePEM(key, "PRIVATE KEY", keyDER, 0o600); err != nil {
		return "", "", err
	}
	if err := writePEM(certificate, "CERTIFICATE", pair.Certificate[0], 0o644); err != nil {
		return "", "", err
	}
	return certificate, key, nil
}

func notMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// writePEM writes a file whole or not at all.
func writePEM(name, kind string, der []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	err = errors.Join(f.Chmod(mode), pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// makeSelfSigned makes a certificate for this host's name.
func makeSelfSigned() (pair tls.Certificate, keyDER []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return pair, nil, err
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "natftpd"
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: host, Organization: []string{"natftpd self-signed"}},
		DNSNames:              []string{host},
		NotBefore:             now.Add(-24 * time.Hour), // clocks of home machines differ
		NotAfter:              now.Add(selfSignedLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return pair, nil, err
	}
	keyDER, err = x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return pair, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, keyDER, nil
}
