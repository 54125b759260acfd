package settings

import (
	"net"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Admin are the settings of the page for people.
type Admin struct {
	AdminAddr      string `name:"admin-addr" env:"ADMIN_ADDR" placeholder:"HOST:PORT" help:"Where a page for people is served: how it stands, and dead letters to find, mend and replay; see docs/page.md. Default: nowhere."`
	AdminToken     string `name:"admin-token" env:"ADMIN_TOKEN" placeholder:"SECRET" help:"Token that lets people into the page; better given by the file. Needed unless ADMIN_ADDR is a loopback address."`
	AdminTokenFile string `name:"admin-token-file" env:"ADMIN_TOKEN_FILE" placeholder:"FILE" help:"File that holds the token; read again when it changes, which signs everybody out."`
}

// AdminConfig is a parsed Admin.
type AdminConfig struct {
	Addr  string // "": no page
	Token crmclient.Secret
}

// shortToken is how long a token is that can be guessed, in characters.
const shortToken = 16

func (a Admin) parse(p *parser, httpAddr string) AdminConfig {
	c := AdminConfig{Token: p.secret("ADMIN_TOKEN", a.AdminToken, a.AdminTokenFile)}
	guarded := c.Token != crmclient.Secret{}
	if strings.TrimSpace(a.AdminAddr) == "" {
		if guarded {
			p.warn("ADMIN_TOKEN is given, but no ADMIN_ADDR: there is no page")
		}
		return c
	}
	before := len(p.faults)
	c.Addr = p.listenAddress("ADMIN_ADDR", a.AdminAddr)
	switch {
	case len(p.faults) > before:
	case sameAddress(c.Addr, httpAddr):
		p.fault("ADMIN_ADDR", "is HTTP_ADDR", "choose another port: probes and metrics are for machines, the page is for people who sign in")
	case !guarded && !isLoopback(c.Addr):
		p.fault("ADMIN_TOKEN", "is missing, and "+quote(c.Addr)+" can be reached from elsewhere", "set it or ADMIN_TOKEN_FILE, or listen on 127.0.0.1")
	case c.Token.File == "" && guarded && len(strings.TrimSpace(c.Token.Value)) < shortToken:
		p.warn("ADMIN_TOKEN is shorter than %d characters and can be guessed: make one by openssl rand -hex 16", shortToken)
	}
	return c
}

// sameAddress tells whether two listeners would be in each other's way.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || isAny(hostA) || isAny(hostB)
}

// isAny tells a host that stands for all addresses of the machine.
func isAny(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

// isLoopback tells whether only this machine reaches an address. A name counts only when it is localhost:
// what others resolve to is not known here.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
