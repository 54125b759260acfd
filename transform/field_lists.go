package transform

// The lists below hold English, Russian, Ukrainian, Kazakh, German, Spanish,
// Portuguese, French and Turkish, in this order.

type fieldList struct {
	field field
	words string
}

// fieldPhrases returns the names of each field; the words of a name are written together.
func fieldPhrases() []fieldList {
	return []fieldList{
		{fieldName, plainNames},
		{fieldFullName, fullNameNames},
		{fieldFirstName, firstNameNames},
		{fieldLastName, lastNameNames},
		{fieldSecondName, secondNameNames},
		{fieldHonorific, honorificNames},
		{fieldCompany, companyNames},
		{fieldPost, postNames},
		{fieldComments, commentNames},
		{fieldCountry, residenceNames},
		{fieldPhoneCountry, phoneCountryNames},
		{fieldContactPoint, contactPointNames},
		{fieldPhone, phoneNames},
		{fieldEmail, emailNames},
		{fieldUTM, utmNames},
		{fieldUnknown, loginNames},
	}
}

const plainNames = `name names contactperson
	имя каквасзовут каквамобращаться какквамобращаться какобращаться представьтесь зовут контактноелицо
	імя яквасзвати якдовасзвертатися контактнаособа
	аты атыныз есіми есими есіминіз атыңыз есімі есіміңіз
	kontaktperson ansprechpartner wieheissensie ihrname
	nombre nombres comotellamas cualestunombre personadecontacto
	nome qualoseunome qualseunome pessoadecontato
	nom quelestvotrenom
	ad adi adiniz isim isminiz adınız adı`

const fullNameNames = `fullname fullnames displayname formattedname realname nameandsurname firstandlastname firstnamelastname namesurname firstlastname fn fio completename
	фио полноеимя имяифамилия имяфамилия фамилияиимя фамилияимя фамилияимяотчество фамилияимяиотчество имяотчество имяотчествофамилия
	піб повнеімя імятапрізвище імяпрізвище прізвищетаімя прізвищеімя прізвищеімяпобатькові імяіпрізвище
	толыкатыжони атыжөні атыжөніңіз толықатыжөні тегіжәнеаты атыжәнетегі
	vorundnachname vornamenachname vornameundnachname vornameundname vollstandigername vollername namevorname
	nombrecompleto nombreyapellido nombreyapellidos nombresyapellidos nombreapellido apellidosynombre
	nomecompleto nomeesobrenome
	nomcomplet nometprenom nomprenom prenometnom prenomnom nometprenoms
	adsoyad adisoyadi adinizsoyadiniz adisoyad adınızsoyadınız adısoyadı isimsoyisim tamad tamadi`

const firstNameNames = `firstname namefirst fname givenname givennames forename forenames
	собственноеимя
	власнеімя
	vorname vornamen
	primernombre nombredepila
	primeironome prenome
	prenom prenoms
	onad`

const lastNameNames = `lastname namelast lname surname familyname lastnames sn
	фамилия
	прізвище
	теги тегі тегіңіз
	nachname familienname zuname
	apellido apellidos apellidopaterno primerapellido
	sobrenome ultimonome apelido
	nomdefamille
	soyad soyadi soyadiniz soyisim soyadı soyadınız`

const secondNameNames = `secondname namemiddle middlename middlenames patronymic middleinitial mname additionalname
	отчество
	побатькові
	әкесініңаты
	zweitername zweitvorname mittelname
	segundonombre
	segundonome
	deuxiemeprenom
	ikinciad ikinciisim`

const honorificNames = `honorific`

const companyNames = `company companyname companytitle organization organisation organizationname organisationname businessname
	компания организация названиекомпании названиеорганизации фирма
	компанія організація назвакомпанії
	компанияатауы ұйым
	firma unternehmen firmenname
	empresa compania nombredelaempresa
	nomedaempresa
	entreprise societe nomdelentreprise
	sirket sirketadi firmaadi`

const postNames = `post position jobtitle jobposition jobrole
	должность вашадолжность
	посада
	лауазым лауазымы
	berufsbezeichnung
	cargo puesto
	funcao
	fonction
	unvan gorev pozisyon`

const commentNames = `comments comment message messages note notes yourmessage enquiry inquiry
	комментарий комментарии сообщение вашесообщение примечание вопрос вашвопрос пожелания текстсообщения
	коментар коментарі повідомлення питання
	хабарлама пікір
	nachricht kommentar bemerkung bemerkungen anmerkung ihrenachricht mitteilung
	mensaje comentario comentarios consulta
	mensagem comentarios
	commentaire commentaires votremessage
	mesaj mesajiniz yorum`

const residenceNames = `country countrycode countryname countryiso countryiso2 countryiso3 isocountry residencecountry countryofresidence
	страна странапроживания кодстраны
	країна
	ел елі
	land wohnsitzland
	pais
	pays
	ulke ulkeniz`

const phoneCountryNames = `phonecountry phonecountrycode phonecode dialcode dialingcode callingcode countrycallingcode countrydialcode phoneregion phoneprefix phonecountryiso mobilecountrycode phoneiso telephonecountrycode intlcode
	странателефона кодтелефона телефонныйкод
	кодкраїни
	landesvorwahl landervorwahl
	codigopais codigodepais prefijo prefijotelefonico
	codigodopais ddi
	indicatif indicatifpays
	ulkekodu`

const contactPointNames = `contact contacts phoneoremail emailorphone phoneemail emailphone contactdetails yourcontacts
	контакт контакты контактныеданные каксвамисвязаться
	контакти контактнідані
	байланыс
	kontakt kontaktdaten
	contacto
	contato
	iletisim`

const phoneNames = `yournumber contactnumber callbacknumber whatsappnumber numbertocall bestnumbertoreachyou numbertoreachyou bestnumber bestnumbertocall
	вашномер номердлясвязи контактныйномер номерwhatsapp
	номердлязвязку
	байланыснөмірі
	rufnummer durchwahlnummer
	numerodecontacto
	numerodecontato`

const emailNames = `электронныйадрес
	електроннаадреса
	elektronischeadresse
	direccionelectronica
	enderecoeletronico
	adresseelectronique
	elektronikadres`

// loginNames are names of fields for the name with which somebody signs in, which is not a person's name.
const loginNames = `имяпользователя імякористувача`

const utmNames = `utm utms utmparameters utmparams`

const phoneNouns = `phone phones telephone telephones tel mobile mobiles cell cellphone cellular smartphone whatsapp viber msisdn phonenumber phonenumbers mobilephone telephonenumber mobilenumber
	телефон телефона телефоны телефону телефонов тел мобильный мобильного мобильныи сотовый сотового ватсап вайбер моб сот
	телефонів мобільний мобільного
	телефоныңыз телефоны ұялы телефонңыз
	telefon telefonnummer telefonnr handy handynummer handynr mobilnummer mobilfunknummer mobiltelefon mobilfunk mobil rufnummer festnetz festnetznummer
	telefono telefonos movil celular cel
	telefone telefones telemovel
	telephone portable gsm
	telefonunuz telefonu cep ceptelefonu`

const emailNouns = `email posta emails mail emailaddress emailaddresses mailaddress
	почта почты почту почте емейл емайл имейл имэйл мейл мэйл мыло
	пошта пошти
	пошта поштасы поштаңыз почтасы
	emailadresse mailadresse
	correo correos
	courriel mel
	eposta epostaniz postaniz`

// besideWords may stand beside a noun for a phone or an e-mail without making it another field.
const besideWords = `number numbers no num nr address addresses id work home private business personal main primary other mobile cell contact default preferred daytime evening day alternative alternate additional second secondary first or and e for callback call back direct line the of telegram telegramm signal
	номер номера нөмір адрес адреса рабочий рабочая домашний домашняя личный личная контактный контактная контактного мобильный электронная электронной электронный эл дополнительный основной второй или и для связи обратной звонка с кодом города по которому можно связаться телеграм телеграмм
	номеру контактний електронна електронної або та для звязку робочий домашній адресу адреса
	нөмірі нөміріңіз нөмер электронды электрондық байланыс мекенжайы
	nummer adresse privat geschaftlich dienstlich oder und fur ruckruf mobil
	numero de del contacto electronico electronica o y fijo particular trabajo direccion domicilio
	celular endereco eletronico ou e fixo contato comercial do da
	numero adresse fixe professionnel professionnelle personnel et mobile
	numarasi numaraniz numara no adresi adresiniz veya ve is ev`

// fillerWords ask for a value or mark a field as required, and do not say which field it is.
const fillerWords = `your my our please enter type provide give us tell what is whats s the a an here required optional field input fill in me
	ваш ваша ваше ваши вашего вашей вашу вас мой моя мое мои твой твоя твое укажите введите напишите оставьте впишите пожалуйста свой свое свою свои обязательно обязательное поле необязательно какой какая какое
	ваша ваше вкажіть введіть напишіть будь ласка
	сіздің сіздин өзіңіздің енгізіңіз
	ihr ihre ihren dein deine bitte geben sie ein eingeben wie lautet ist pflichtfeld
	tu su sus tus por favor ingrese introduzca escriba cual es
	seu sua digite informe qual
	votre ton veuillez entrez saisissez quel quelle est
	sizin lutfen girin giriniz nedir`

// ownerWords stand in front of a field's name and say that the field is the lead's. A field of a manager or a company is
// not the lead's.
const ownerWords = `contact contacts lead leads customer customers client clients user users visitor visitors person persons billing buyer buyers guest guests subscriber applicant member payer purchaser registrant attendee
	контакт контакта контактное контактный контактная клиент клиента лид лида пользователь пользователя покупатель покупателя посетитель посетителя заявитель
	клієнт клієнта користувач
	kunde kunden kontakt
	cliente contacto usuario
	contato usuario
	utilisateur
	musteri kullanici`

// ownerWordsBehind stand after a field's name and say that the field is the lead's ("phone of the customer").
const ownerWordsBehind = `contact lead customer client user visitor person buyer guest subscriber applicant member payer purchaser registrant attendee
	клиента покупателя заказчика контакта лида пользователя посетителя заявителя гостя участника подписчика плательщика получателя абонента
	клієнта покупця замовника користувача відвідувача учасника
	клиенттің тұтынушының
	kunden kundin käufers kontakts
	cliente usuario comprador contacto
	comprador contato usuário
	client utilisateur acheteur contact
	müşterinin kullanıcının`

// genitiveWords may stand between the field's name and its owner.
const genitiveWords = `of from des der vom de del do da du`
