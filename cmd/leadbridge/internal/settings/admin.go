package settings

import (
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/leadbridge/leadbridge/admin"
	"github.com/leadbridge/leadbridge/crmclient"
)

// Admin are the settings of the page for people.
type Admin struct {
	AdminAddr      string `name:"admin-addr" env:"ADMIN_ADDR" placeholder:"HOST:PORT" help:"Address of the page for people: the state of delivery, and dead letters to find, correct and replay; see docs/page.md. Default: off."`
	AdminToken     string `name:"admin-token" env:"ADMIN_TOKEN" placeholder:"SECRET" help:"Token that lets people into the page; better given by the file. Needed unless ADMIN_ADDR is a loopback address, or others can sign in by ADMIN_TOKENS_FILE or ADMIN_OIDC_ISSUER."`
	AdminTokenFile string `name:"admin-token-file" env:"ADMIN_TOKEN_FILE" placeholder:"FILE" help:"File that holds the token; read again when it changes, which signs everybody out."`
	AdminTokens    string `name:"admin-tokens-file" env:"ADMIN_TOKENS_FILE" placeholder:"FILE" help:"YAML file that names instead who has a token, by its hash, and the role of each: look, reveal or act; read again when it changes. leadbridge ctl token makes a line of it."`
}

// AdminConfig is a parsed Admin.
type AdminConfig struct {
	Addr       string // "": no page
	Token      crmclient.Secret
	TokensFile string      // "": none
	OIDC       *admin.OIDC // nil: nobody signs in by OpenID Connect
}

// minToken is a length in characters: a shorter token can be guessed.
const minToken = 16

func (a Admin) parse(p *parser, oidc AdminOIDC, httpAddr string) AdminConfig {
	c := AdminConfig{Token: p.secret("ADMIN_TOKEN", a.AdminToken, a.AdminTokenFile)}
	c.TokensFile = strings.TrimSpace(a.AdminTokens)
	if c.TokensFile != "" {
		a.checkTokens(p, c)
	}
	c.OIDC = oidc.parse(p)
	guarded := c.TokensFile != "" || c.OIDC != nil || hasToken(c.Token)
	if strings.TrimSpace(a.AdminAddr) == "" {
		if guarded {
			p.warn("a token or an issuer for the page is given, but no ADMIN_ADDR: there is no page")
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
		p.fault("ADMIN_TOKEN", "is missing, and "+quote(c.Addr)+" can be reached from elsewhere", "set it, ADMIN_TOKEN_FILE, ADMIN_TOKENS_FILE or ADMIN_OIDC_ISSUER, or listen on 127.0.0.1")
	case hasToken(c.Token) && isShort(c.Token):
		p.warn("ADMIN_TOKEN is shorter than %d characters and can be guessed: make one by openssl rand -hex 16", minToken)
	}
	return c
}

// checkTokens records faults when the file of tokens cannot be used, or ADMIN_TOKEN is given beside it.
func (a Admin) checkTokens(p *parser, c AdminConfig) {
	if hasToken(c.Token) {
		p.fault("ADMIN_TOKENS_FILE", "is given, and so is ADMIN_TOKEN", "give only one of them: a token without a name would be beside the roles")
		return
	}
	text := p.file("ADMIN_TOKENS_FILE", c.TokensFile)
	if text == nil {
		return
	}
	if err := admin.CheckTokens(text); err != nil {
		p.fault("ADMIN_TOKENS_FILE", err.Error(), "write lines as leadbridge ctl token NAME --role look makes them; docs/page.md shows a file")
	}
}

// hasToken reports whether the token of the page is set.
func hasToken(token crmclient.Secret) bool { return token != crmclient.Secret{} }

// isShort reports whether a token can be guessed. Of a file it reads the present content.
func isShort(token crmclient.Secret) bool {
	text := token.Value
	if token.File != "" {
		content, err := os.ReadFile(token.File)
		if err != nil {
			return false // which secret has recorded as a fault
		}
		text = string(content)
	}
	return len(strings.TrimSpace(text)) < minToken
}

// Page are the settings of commands that send requests to the page of a running service.
type Page struct {
	Admin     string `name:"admin" env:"ADMIN_URL" default:"http://127.0.0.1:8081" placeholder:"URL" help:"Address of the page of a running service, as of its ADMIN_ADDR."`
	Token     string `name:"admin-token" env:"ADMIN_TOKEN" placeholder:"SECRET" help:"Token of the page; better given by the file."`
	TokenFile string `name:"admin-token-file" env:"ADMIN_TOKEN_FILE" placeholder:"FILE" help:"File that holds the token."`
}

// PageConfig is a parsed Page.
type PageConfig struct {
	URL   string // without a slash at its end
	Token string // "": none
}

// Parse reads all settings; its error is [Faults].
func (s Page) Parse() (PageConfig, error) {
	var p parser
	c := PageConfig{URL: strings.TrimRight(strings.TrimSpace(s.Admin), "/")}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		p.fault("--admin", "is not the address of a page", "write such as http://127.0.0.1:8081, the ADMIN_ADDR of the service")
	}
	secret := p.secret("ADMIN_TOKEN", s.Token, s.TokenFile)
	c.Token = secret.Value
	if secret.File != "" {
		content, _ := os.ReadFile(secret.File) // an error is recorded by secret as a fault
		c.Token = strings.TrimSpace(string(content))
	}
	return c, p.err()
}

// sameAddress reports whether two listeners would use the same address.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || isAny(hostA) || isAny(hostB)
}

// isAny reports whether a host stands for all addresses of the machine.
func isAny(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

// isLoopback reports whether only this machine reaches an address. A name counts only when it is localhost:
// what others resolve to is not known here.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
