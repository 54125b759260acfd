curl -X POST https://vibecode.bitrix24.tech/v1/contacts \
  -H "X-Api-Key: YOUR_APP_KEY" \
  -H "Authorization: Bearer USER_SESSION_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Ivan",
    "lastName": "Petrov",
    "phone": "+79161234567",
    "email": "ivan@company.ru",
    "companyId": 15,
    "post": "Manager",
    "typeId": "CLIENT"
  }'
