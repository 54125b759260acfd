package person

import (
	"strings"
	"sync"
)

// fullNames returns the full first names, folded, that a folded first name may stand for, as a spelling or a short form:
// Саша is Александр or Александра. It is nil for a name that the table does not have.
func fullNames(w string) []string { return givenNames()[w] }

// givenNames returns the table as a map from each folded spelling to the full names that it may stand for.
//
// No Go library has the short forms of Russian names. Lists of English ones, such as the data set nicknames, have
// hundreds of outdated forms and make too many names equal.
var givenNames = sync.OnceValue(func() map[string][]string {
	names := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(givenNameTable)) {
		words := strings.Fields(line)
		full := fold(words[0])
		for _, w := range words {
			key := fold(w)
			names[key] = append(names[key], full)
		}
	}
	return names
})

// givenNameTable has a line for each name: the full name, then its other spellings and short forms. A short form
// may be in several lines.
const givenNameTable = `
александр alexander alexandre олександр аляксандр alex саша сашка саня санёк шура алекс sasha sanya shura
александра alexandra олександра alexa саша сашенька шура алекса sasha sandra shura
алексей alexius олексій аляксей алёша лёша лёха лёшка alyosha lesha alexis
алина
алиса alice
алла
альбина
анастасия anastasia анастасія настя настюша ася стася nastya stasya asya
анатолий анатолій толя толик tolya
ангелина angelina лина геля
андрей andrew андрій андрэй андрюша дрюня andy
анжелика angelica анжела лика angela
анна ann anne ganna ганна anya hannah аня анечка анюта нюра анька
антон anthony антоша тоша тоха tony
антонина тоня
аркадий аркаша
арсений сеня арсен
артём артемий артур тёма тёмка tema
артур arthur
богдан bogdan бодя
борис boris боря
вадим вадик
валентин valentine валя
валентина валя
валерий valery валерій валера valera
валерия valeria валерія лера valerie lera
варвара barbara варя варюша varya
василий василь basil вася васёк vasya
вера vera верочка faith
вероника veronica ника nika
виктор victor віктор витя витёк vitya
виктория victoria вікторія вика vika vicky
виталий vitaly віталій виталик vitalik
владимир володимир уладзімір вова вовка володя вован vova volodya
владислав влад владик vlad
всеволод сева
вячеслав слава славик slava
галина galina халина галя
геннадий генадий гена gena
георгий george георгій гоша жора гога gosha
герман herman гера
глеб
григорий gregory григорій гриша greg grisha
давид david дэвид давит dave
дарья darya дарина даша дашуля dasha
даниил daniel данил данила данило даня dan danny danya
денис dennis денчик диня
диана diana дина
дмитрий dmitriy дмитро дзмітрый demetrius димитрий дима димон митя dima mitya
евгений eugene євген яўген женя женёк zhenya gene
евгения eugenia євгенія женя zhenya
егор yegor гоша єгор
екатерина catherine katherine kathryn катерина катя катюша катенька kate katya katie kathy
елена helen helena олена алена лена леночка lena ellen
алёна alyona лёна
елизавета elizabeth лиза liza lisa beth betty eliza
жанна joanna jeanne zhanna
захар
зинаида зина
зоя zoe
иван ivan іван ваня ванёк ванюша vanya
игнат
игорь ігор igor гарик
илья elijah ілля illia илюша ilya
инна
ирина irina irene ірина іра ира иришка ira
кирилл cyril кирило кирюша кир
константин constantine костя костян kostya
кристина christina chrystyna крістіна крис chris tina
ксения ксенія оксана ksenia xenia ксюша ксюха ксеня
лариса лара
лев leo лёва lyova
леонид leonid лёня lyonya
лидия lydia лида
лилия lilia lily лиля
любовь lubov люба luba
людмила ludmila lyudmila люда мила люся luda
маргарита margaret margarita рита марго rita maggie
марина marina маринка
мария mary maria марія maryia маша маня маруся мария-анна мари masha
максим maxim макс max maximilian
марк mark marcus
матвей matthew матюша matt
михаил michael michail mihail михайло міхаіл миша мишка misha mike mikhail
надежда nadezhda hope надя nadya
наталья natalie nathalie наталія наташа ната натали natasha nata
никита nikita микита
николай nicholas nicolas микола мікалай коля колян kolya nick nikolas
нина nina
олег oleg олежка
ольга olga оля оленька olya
павел paul павло паша pasha
пётр peter петро петя petya pete
полина polina поля
прохор
раиса рая
роман roman рома ромка roma
руслан рус
светлана svetlana світлана света светик sveta lana
семён simon семен сёма sema
сергей serge serhii sergii сергій сяргей серёжа серёга серёжка seryozha serega
софия sophia sofia sophie софья софія соня sonya
станислав stanislaus стас stas stan
степан stephan steven stephen стёпа steve
тамара тома
татьяна tatiana тетяна таня танюша tanya
тимофей timothy тима тимоша tim
тимур тима
фёдор theodore федір федя fedya ted
филипп philip phillip филя phil
эдуард edward эдик ed eddie
юлия julia julie юлія юля юлька yulya
юрий yuri юрій юра юрик yura
яков jacob james yakov яша
яна yana
ярослав слава ярик
john джон jonathan johnny jack
robert роберт bob bobby rob
william уильям вильям bill billy will liam
richard ричард rick dick rich
thomas томас томаш том tom tommy
joseph джозеф иосиф осип йосип joe josef josé
charles чарльз карл karl carl carlos charlie chuck
christopher кристофер chris kris
benjamin вениамин беня ben benny
samuel самуил sam sammy
samantha sam sammy
jennifer jen jenny
jessica jess jessie
susan susanna сюзанна sue suzanne
patricia pat patty
patrick патрик pat
deborah debbie deb
rebecca becky
kevin
brian bryan
jason
laura лаура
linda линда
emily эмилия emilia
emma эмма
рустам
ринат ренат
ильдар
айгуль
гульнара гуля
динара дина
тигран
армен
арман
мурат murat
алишер
карина karina
регина regina
камилла камила
эльвира эля
jürgen jurgen
hans johannes johann иоганн
klaus
pierre
jean jehan
juan
mohammed muhammad мухаммад магомед мохаммед
ahmed ахмед ahmad
ali али
mehmet
mustafa
omar умар
`
