const res = await fetch('https://vibecode.bitrix24.tech/v1/contacts', {
  method: 'POST',
  headers: {
    'X-Api-Key': 'YOUR_APP_KEY',
    'Authorization': 'Bearer USER_SESSION_TOKEN',
    'Content-Type': 'application/json',
  },
  body: JSON.stringify({
    name: 'Ivan',
    lastName: 'Petrov',
    phone: '+79161234567',
    email: 'ivan@company.ru',
    companyId: 15,
    post: 'Manager',
    typeId: 'CLIENT',
  }),
})

const { success, data } = await res.json()
